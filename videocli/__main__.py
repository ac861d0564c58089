"""`python -m videocli`."""

from videocli.cli.app import main

if __name__ == "__main__":
    main()
