"""Tells the server and is told: RSP over TCMP, outliving any one websocket."""
