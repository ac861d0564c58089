// What a test may ask of one participant in a browser. Everything runs on the unmodified SDK, loaded after this file.
"use strict";

window.participant = (() => {
  // Said of a remote participant's tracks, by the participant and again by the room.
  const REMOTE_TRACKS = [
    "trackPublished",
    "trackUnpublished",
    "trackSubscribed",
    "trackUnsubscribed",
    "trackSubscriptionFailed",
    "trackEnabled",
    "trackDisabled",
    "trackPublishPriorityChanged",
    "trackSwitchedOn",
    "trackSwitchedOff",
    "trackStarted",
    "trackDimensionsChanged",
    "trackMessage",
  ];
  const ROOM_EVENTS = [
    "reconnecting",
    "reconnected",
    "disconnected",
    "participantConnected",
    "participantDisconnected",
    "participantReconnecting",
    "participantReconnected",
    "dominantSpeakerChanged",
    "recordingStarted",
    "recordingStopped",
    "transcription",
    ...REMOTE_TRACKS,
    "trackWarning",
    "trackWarningsCleared",
  ];
  const LOCAL_PARTICIPANT_EVENTS = [
    "connected",
    "reconnecting",
    "reconnected",
    "disconnected",
    "trackPublished",
    "trackPublicationFailed",
    "trackEnabled",
    "trackDisabled",
    "trackStarted",
    "trackStopped",
    "trackDimensionsChanged",
    "trackWarning",
    "trackWarningsCleared",
    "networkQualityLevelChanged",
  ];
  const REMOTE_PARTICIPANT_EVENTS = [
    "connected",
    "reconnecting",
    "reconnected",
    "disconnected",
    ...REMOTE_TRACKS,
    "networkQualityLevelChanged",
  ];
  const LOCAL_TRACK_EVENTS = ["started", "stopped", "enabled", "disabled", "muted", "unmuted", "dimensionsChanged"];
  const REMOTE_TRACK_EVENTS = [
    "started",
    "enabled",
    "disabled",
    "switchedOn",
    "switchedOff",
    "dimensionsChanged",
    "message",
  ];
  const LOCAL_PUBLICATION_EVENTS = ["trackEnabled", "trackDisabled", "warning", "warningsCleared"];
  const REMOTE_PUBLICATION_EVENTS = [
    "subscribed",
    "unsubscribed",
    "subscriptionFailed",
    "trackEnabled",
    "trackDisabled",
    "publishPriorityChanged",
    "trackSwitchedOn",
    "trackSwitchedOff",
  ];

  // The SDK keeps its peer connections and data channels to itself, so they are noted as they are made. It copies
  // what it finds on RTCPeerConnection.prototype itself, so a subclass would not do.
  const peerConnections = [];
  const dataChannels = [];
  window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
    construct(target, args) {
      const connection = new target(...args);
      peerConnections.push(connection);
      return connection;
    },
  });
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function createAndNote(...args) {
    const channel = createDataChannel.apply(this, args);
    dataChannels.push(channel);
    return channel;
  };

  let room = null;
  const received = []; // {identity, track, element, picture counters}, the newest last

  // Milliseconds since the epoch, from a clock that is never set back.
  const now = () => performance.timeOrigin + performance.now();

  function describe(value) {
    if (value === null || value === undefined || ["string", "number", "boolean"].includes(typeof value)) {
      return value ?? null;
    }
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer ?? value);
      return { base64: btoa(String.fromCharCode(...bytes)) };
    }
    if (value instanceof Error) {
      return { code: value.code ?? null, name: value.name, message: value.message };
    }
    if (value.localParticipant) {
      return { sid: value.sid, name: value.name, state: value.state };
    }
    if (value.tracks instanceof Map) {
      return { sid: value.sid, identity: value.identity, state: value.state };
    }
    if (value.trackSid) {
      return {
        sid: value.trackSid,
        name: value.trackName,
        kind: value.kind,
        enabled: value.isTrackEnabled,
        priority: value.publishPriority ?? value.priority ?? null,
      };
    }
    if (value.kind && value.name) {
      return {
        sid: value.sid ?? null,
        name: value.name,
        kind: value.kind,
        enabled: value.isEnabled ?? true,
        started: value.isStarted ?? null,
        dimensions: value.dimensions ? { ...value.dimensions } : null,
      };
    }
    return JSON.parse(JSON.stringify(value));
  }

  function watch(emitter, source, names) {
    for (const name of names) {
      emitter.on(name, (...args) => {
        const at = now();
        window.report({ at, source, name, subject: describe(emitter), args: args.map(describe) });
      });
    }
  }

  function watchLocalPublication(publication) {
    watch(publication, "localPublication", LOCAL_PUBLICATION_EVENTS);
    if (publication.kind !== "data") {
      watch(publication.track, "localTrack", LOCAL_TRACK_EVENTS);
    }
  }

  function watchRemotePublication(publication, participant) {
    watch(publication, "remotePublication", REMOTE_PUBLICATION_EVENTS);
    if (publication.track) {
      receive(publication.track, participant);
    }
    publication.on("subscribed", (track) => receive(track, participant));
  }

  function watchRemoteParticipant(participant) {
    watch(participant, "remoteParticipant", REMOTE_PARTICIPANT_EVENTS);
    participant.tracks.forEach((publication) => watchRemotePublication(publication, participant));
    participant.on("trackPublished", (publication) => watchRemotePublication(publication, participant));
  }

  // Shows or plays the track as an application would, and counts the pictures that reach the screen.
  function receive(track, participant) {
    watch(track, "remoteTrack", REMOTE_TRACK_EVENTS);
    const entry = { identity: participant.identity, track, element: null, presented: 0, gap: 0, shownAt: null };
    received.push(entry);
    if (track.kind === "data") {
      return;
    }
    entry.element = track.attach();
    document.getElementById("media").append(entry.element);
    track.once("stopped", () => entry.element.remove());
    if (track.kind === "video") {
      const shown = () => {
        const at = performance.now();
        entry.gap = Math.max(entry.gap, entry.shownAt === null ? 0 : at - entry.shownAt);
        entry.shownAt = at;
        entry.presented += 1;
        entry.element.requestVideoFrameCallback(shown);
      };
      entry.element.requestVideoFrameCallback(shown);
    }
  }

  function newest(identity, kind, name) {
    const entry = received.findLast(
      (one) => one.identity === identity && one.track.kind === kind && (!name || one.track.name === name),
    );
    if (entry === undefined) {
      throw new Error(`no ${kind} track of ${identity} is subscribed`);
    }
    return entry;
  }

  async function inboundStats(track) {
    for (const connection of peerConnections) {
      if (connection.signalingState !== "closed") {
        for (const one of (await connection.getStats()).values()) {
          if (one.type === "inbound-rtp" && one.trackIdentifier === track.mediaStreamTrack.id) {
            return one;
          }
        }
      }
    }
    return {};
  }

  function localPublication(which) {
    const publications = [...room.localParticipant.tracks.values()];
    const found = publications.findLast((one) => [one.kind, one.trackName, one.trackSid].includes(which));
    if (found === undefined) {
      throw new Error(`no local track ${which}`);
    }
    return found;
  }

  const makeTrack = {
    audio: (options) => Twilio.Video.createLocalAudioTrack(options),
    video: (options) => Twilio.Video.createLocalVideoTrack(options),
    data: (options) => new Twilio.Video.LocalDataTrack(options),
  };

  async function sendable(id) {
    const channels = dataChannels.filter((channel) => channel.label === id);
    await Promise.all(
      channels.map(
        (channel) =>
          channel.readyState === "open" || new Promise((resolve) => channel.addEventListener("open", resolve)),
      ),
    );
  }

  const METHODS = {
    now,

    // audio, video: true, false, or the SDK's constraints with a name; data: true, false or LocalDataTrack options.
    // A data track can only be handed in beside tracks that exist already, so then they are made here first.
    async connect(token, name, wsServer, { audio, video, data, options }) {
      const wanted = { name, wsServer, insights: false, audio, video, ...options };
      if (data) {
        const media = audio || video ? await Twilio.Video.createLocalTracks({ audio, video }) : [];
        wanted.tracks = [...media, await makeTrack.data(data === true ? {} : data)];
      }
      room = await Twilio.Video.connect(token, wanted);
      watch(room, "room", ROOM_EVENTS);
      watch(room.localParticipant, "localParticipant", LOCAL_PARTICIPANT_EVENTS);
      room.localParticipant.tracks.forEach(watchLocalPublication);
      room.localParticipant.on("trackPublished", watchLocalPublication);
      room.participants.forEach(watchRemoteParticipant);
      room.on("participantConnected", watchRemoteParticipant);
      return METHODS.room();
    },

    disconnect() {
      room.disconnect();
      room.localParticipant.tracks.forEach(({ track }) => track.stop?.());
    },

    enable: (which) => void localPublication(which).track.enable(),
    disable: (which) => void localPublication(which).track.disable(),

    async publish(kind, options = {}) {
      return describe(await room.localParticipant.publishTrack(await makeTrack[kind](options)));
    },

    unpublish(which) {
      const publication = localPublication(which);
      publication.unpublish();
      publication.track.stop?.();
      return describe(publication);
    },

    async sendText(text, which = "data") {
      const { track } = localPublication(which);
      await sendable(track.id);
      track.send(text);
    },

    async sendBytes(base64, which = "data") {
      const { track } = localPublication(which);
      await sendable(track.id);
      track.send(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
    },

    room() {
      const tracksOf = (participant, more) =>
        [...participant.tracks.values()].map((publication) => ({ ...describe(publication), ...more(publication) }));
      return {
        ...describe(room),
        localParticipant: {
          ...describe(room.localParticipant),
          tracks: tracksOf(room.localParticipant, () => ({ subscribed: false, started: false })),
        },
        participants: [...room.participants.values()].map((participant) => ({
          ...describe(participant),
          tracks: tracksOf(participant, ({ isSubscribed, track }) => ({
            subscribed: isSubscribed,
            started: track?.isStarted ?? false,
          })),
        })),
      };
    },

    async video(identity, name) {
      const entry = newest(identity, "video", name);
      const stats = await inboundStats(entry.track);
      return {
        at: now(),
        decoded: stats.framesDecoded ?? 0,
        keyframes: stats.keyFramesDecoded ?? 0,
        width: stats.frameWidth ?? 0,
        height: stats.frameHeight ?? 0,
        freezes: stats.freezeCount ?? 0,
        frozen: stats.totalFreezesDuration ?? 0,
        lost: stats.packetsLost ?? 0,
        bytes: stats.bytesReceived ?? 0,
        presented: entry.presented,
        gap: entry.gap / 1000,
      };
    },

    // Forgets the longest gap so far, so that the next is one since now.
    forgetGaps(identity, name) {
      newest(identity, "video", name).gap = 0;
    },

    // The picture on the screen, as luminance 0 to 255 of `width` x `height` points.
    picture(identity, width, height, name) {
      const { element } = newest(identity, "video", name);
      const context = new OffscreenCanvas(width, height).getContext("2d");
      context.drawImage(element, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      return Array.from({ length: width * height }, (_, index) => {
        const [red, green, blue] = data.subarray(index * 4);
        return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
      });
    },

    async audio(identity, name) {
      const entry = newest(identity, "audio", name);
      if (!entry.analyser) {
        const context = new AudioContext();
        await context.resume();
        entry.analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(new MediaStream([entry.track.mediaStreamTrack])).connect(entry.analyser);
      }
      const { analyser } = entry;
      const samples = new Float32Array(analyser.fftSize);
      const spectrum = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatTimeDomainData(samples);
      analyser.getFloatFrequencyData(spectrum);
      const loudest = spectrum.reduce((best, level, index) => (level > spectrum[best] ? index : best), 0);
      const stats = await inboundStats(entry.track);
      return {
        at: now(),
        rms: Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length),
        frequency: (loudest * analyser.context.sampleRate) / analyser.fftSize,
        energy: stats.totalAudioEnergy ?? 0,
        seconds: stats.totalSamplesDuration ?? 0,
        concealed: stats.concealedSamples ?? 0,
        lost: stats.packetsLost ?? 0,
        bytes: stats.bytesReceived ?? 0,
      };
    },

    // The candidate pairs that carry media, one for each live peer connection.
    async paths() {
      const paths = [];
      for (const connection of peerConnections.filter((one) => one.signalingState !== "closed")) {
        const stats = await connection.getStats();
        const pick = ({ candidateType: type, protocol, address, port }) => ({ type, protocol, address, port });
        for (const transport of stats.values()) {
          const pair = transport.type === "transport" && stats.get(transport.selectedCandidatePairId);
          if (pair) {
            paths.push({
              local: pick(stats.get(pair.localCandidateId)),
              remote: pick(stats.get(pair.remoteCandidateId)),
              state: connection.iceConnectionState,
            });
          }
        }
      }
      return paths;
    },
  };

  async function outcome(run) {
    try {
      const result = await run();
      return { result: result ?? null };
    } catch (error) {
      return { error: { code: error.code ?? null, name: error.name, message: error.message } };
    }
  }

  return {
    call: (method, args) => outcome(() => METHODS[method](...args)),
    evaluate: (expression) => outcome(() => new Function("room", "peerConnections", `return (${expression})`)(room, peerConnections)),
  };
})();
