// @ts-check
/**
 * @file Live voice for any page: `new ReciteLive().start()` opens the microphone, talks with the voice through the relay
 * and plays its answers. Needs no build step and nothing else but the files beside it.
 *
 * @example
 * import { ReciteLive } from "https://voice.example/live/recite-live.js";
 * const live = new ReciteLive({ voice: "ara" });
 * live.on("state", ({ state }) => console.log(state));
 * live.on("transcript", ({ role, text }) => console.log(role, text));
 * button.onclick = () => live.start();
 */

import { Link } from "./link.js";
import { askForMicrophone, Microphone, release } from "./microphone.js";
import { loudness, toBase64 } from "./pcm.js";
import { LiveProblem } from "./problems.js";
import { createSession } from "./session.js";
import { keepAwake, loadWorklets, openContext, wake } from "./sound.js";
import { Speaker } from "./speaker.js";
import { Turns } from "./turns.js";

export { LiveProblem };

/**
 * @typedef {object} ReciteLiveOptions
 * @property {string | URL} [url] the relay's address; by default the one that this module comes from
 * @property {string | URL} [sessionUrl] where a session is asked for instead of `<url>/sessions`: a page's own backend
 *   that keeps the key, asks the relay and hands its answer on with an absolute `websocket_url`
 * @property {string} [apiKey] a caller's key; whoever opens the page can read it
 * @property {string} [clientId]
 * @property {string} [voice] by default the service's own
 * @property {string} [instructions] how the voice is to behave; by default the service's own
 * @property {boolean} [record] asks for a recording, where the service allows it
 * @property {Record<string, unknown>} [session] further fields of POST /sessions
 * @property {MediaTrackConstraints} [microphone] e.g. `{deviceId}`; echo cancellation is on unless this turns it off
 * @property {number} [chunkMs] length of one message of microphone audio, 50 by default
 */

/**
 * @typedef {"idle" | "connecting" | "listening" | "thinking" | "speaking" | "reconnecting" | "ended"} LiveState
 * @typedef {import("./transcript.js").Entry} TranscriptEntry
 * @typedef {import("./link.js").LiveEvent} LiveEvent
 */

/**
 * What is told, by the name of the event; the value is a CustomEvent's `detail`.
 * @typedef {object} LiveEvents
 * @property {{state: LiveState, previous: LiveState}} state
 * @property {TranscriptEntry} transcript an entry is new, or has changed: `id` says which
 * @property {{microphone: number, speaker: number}} level how loud both sides are, 0 to 1, some 20 times a second
 * @property {{ms: number}} latency from the end of the user's speech, as the voice noticed it, to the answer's first
 *   sample
 * @property {LiveProblem} error `message` says what went wrong, `action` what to do; `closed` follows unless its `code` is
 *   `voice_error`, with which the conversation goes on
 * @property {{code: string, seconds: number}} notice what is going to happen: `waiting` (for a free line), `idle` or
 *   `session_length` (the end of the conversation in so many seconds), `going_away`
 * @property {{code: string, message: string, action: string}} closed the conversation is over, and why
 * @property {LiveEvent} event every event from the relay, as it came
 */

/** A conversation with the voice; may be started again when it has ended. */
export class ReciteLive extends EventTarget {
  /** May be changed between conversations. @type {ReciteLiveOptions} */
  options;
  /** @type {LiveState} */
  #state = "idle";
  #isMuted = false;
  #levels = { microphone: 0, speaker: 0 };
  /** Ends what the present conversation holds. */
  #run = new AbortController();
  /** @type {Microphone | undefined} */
  #microphone;
  /** @type {Speaker | undefined} */
  #speaker;
  /** @type {Link | undefined} */
  #link;

  /** @param {ReciteLiveOptions} [options] */
  constructor(options = {}) {
    super();
    this.options = options;
  }

  get state() {
    return this.#state;
  }

  get isMuted() {
    return this.#isMuted;
  }

  /** Whether there is a conversation, or soon will be. */
  get isActive() {
    return this.#state !== "idle" && this.#state !== "ended";
  }

  /** What has gone through so far, for whoever watches the quality of a connection. */
  get figures() {
    return {
      framesPlayed: this.#speaker?.frames ?? 0,
      gaps: this.#speaker?.gaps ?? 0,
      chunksSent: this.#link?.audio.sent ?? 0,
      chunksDropped: this.#link?.audio.dropped ?? 0,
      returns: this.#link?.returns ?? 0,
    };
  }

  /**
   * Listens to an event's detail; returns a function that stops listening.
   * @template {keyof LiveEvents} Name
   * @param {Name} name
   * @param {(detail: LiveEvents[Name]) => void} listener
   */
  on(name, listener) {
    const heard = (/** @type {Event} */ event) => listener(/** @type {CustomEvent} */ (event).detail);
    this.addEventListener(name, heard);
    return () => this.removeEventListener(name, heard);
  }

  /**
   * Asks for the microphone and connects. Call it from a click or a key: browsers hold sound back otherwise.
   * @returns {Promise<boolean>} whether there is a connection now; the events `error` and `closed` tell why not
   */
  async start() {
    if (this.isActive) return false;
    const run = (this.#run = new AbortController());
    this.#become("connecting");
    try {
      await this.#connect(run.signal);
    } catch (cause) {
      if (!run.signal.aborted) this.#fail(toProblem(cause));
    }
    return !run.signal.aborted;
  }

  /** Ends the conversation, and gives the microphone back. */
  stop() {
    if (this.isActive) this.#close(new LiveProblem("stopped"));
  }

  /** @param {boolean} [isMuted] */
  mute(isMuted = !this.#isMuted) {
    this.#isMuted = isMuted;
    this.#microphone?.mute(isMuted);
  }

  /** Sends an event of one's own, e.g. a function's output. @param {LiveEvent} event */
  send(event) {
    this.#link?.send(event);
  }

  /** @param {AbortSignal} signal */
  async #connect(signal) {
    const context = openContext();
    signal.addEventListener("abort", () => context.close());
    const [stream] = await Promise.all([this.#listen(signal), loadWorklets(context), context.resume().catch(() => {})]);
    await wake(context);
    context.onstatechange = () => keepAwake(context);
    const address = await createSession({ ...this.#wish(context.sampleRate), signal });
    signal.throwIfAborted();
    this.#assemble(context, { stream, address, signal });
  }

  /** @param {AbortSignal} signal */
  async #listen(signal) {
    const stream = await askForMicrophone(this.options.microphone);
    signal.addEventListener("abort", () => release(stream));
    if (signal.aborted) release(stream);
    return stream;
  }

  /** @param {number} sampleRate */
  #wish(sampleRate) {
    const { url = new URL("..", import.meta.url), sessionUrl, apiKey, clientId, voice, instructions, record } = this.options;
    const body = { client_id: clientId, voice, instructions, record, sample_rate: sampleRate, ...this.options.session };
    return { url: sessionUrl ?? new URL("sessions", withSlash(url)), apiKey, body };
  }

  /** @param {AudioContext} context @param {{stream: MediaStream, address: URL, signal: AbortSignal}} parts */
  #assemble(context, { stream, address, signal }) {
    const { chunkMs = 50 } = this.options;
    const speaker = new Speaker(context, {
      onStarted: () => turns.started(),
      onFinished: (item) => turns.finished(item),
      onLevel: (rms) => (this.#levels.speaker = loudness(rms)),
    });
    const link = new Link(address, {
      chunkMs,
      onEvent: (event) => this.#take(event, turns),
      onReady: () => this.#become(turns.turn),
      onBroken: () => this.#break(turns),
      onClosed: (problem) => this.#fail(problem),
    });
    const turns = new Turns(speaker, {
      send: (event) => link.send(event),
      onTurn: (turn) => this.#turn(turn),
      onTranscript: (entry) => this.#emit("transcript", entry),
      onLatency: (ms) => this.#emit("latency", { ms: Math.round(ms) }),
    });
    const microphone = new Microphone(context, stream, {
      chunkMs,
      onChunk: (pcm, rms) => this.#hear(pcm, rms),
      onLost: () => this.#fail(new LiveProblem("microphone_lost")),
    });
    microphone.mute(this.#isMuted);
    [this.#speaker, this.#link, this.#microphone] = [speaker, link, microphone];
    signal.addEventListener("abort", () => [microphone, speaker, link].forEach((part) => part.close()));
  }

  /** @param {ArrayBuffer} pcm @param {number} rms */
  #hear(pcm, rms) {
    this.#link?.sendAudio(toBase64(pcm));
    this.#levels.microphone = this.#isMuted ? 0 : loudness(rms);
    this.#emit("level", { ...this.#levels });
  }

  /** @param {LiveEvent} event @param {Turns} turns */
  #take(event, turns) {
    this.#emit("event", event);
    turns.take(event);
    if (event.type === "error" || event.type === "relay.error") this.#emit("error", voiceProblem(event));
    if (event.type === "relay.waiting") this.#emit("notice", { code: "waiting", seconds: 0 });
    if (event.type === "relay.ending") this.#emit("notice", { code: event.reason, seconds: event.seconds });
    if (event.type === "relay.going_away") this.#emit("notice", { code: "going_away", seconds: event.seconds });
  }

  /** @param {Turns} turns */
  #break(turns) {
    turns.breakOff();
    this.#become("reconnecting");
  }

  /** @param {import("./turns.js").Turn} turn */
  #turn(turn) {
    if (this.#state !== "connecting" && this.#state !== "reconnecting" && this.isActive) this.#become(turn);
  }

  /** @param {LiveProblem} problem */
  #fail(problem) {
    if (!this.isActive) return;
    this.#emit("error", problem);
    this.#close(problem);
  }

  /** @param {LiveProblem} problem */
  #close({ code, message, action }) {
    this.#run.abort();
    this.#emit("level", (this.#levels = { microphone: 0, speaker: 0 }));
    this.#become("ended");
    this.#emit("closed", { code, message, action });
  }

  /** @param {LiveState} state */
  #become(state) {
    if (state === this.#state) return;
    const previous = this.#state;
    this.#state = state;
    this.#emit("state", { state, previous });
  }

  /**
   * @template {keyof LiveEvents} Name
   * @param {Name} name
   * @param {LiveEvents[Name]} detail
   */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {unknown} cause */
function toProblem(cause) {
  return cause instanceof LiveProblem ? cause : new LiveProblem("internal", { cause });
}

/** @param {LiveEvent} event whose error stands in it, or is it */
function voiceProblem(event) {
  return new LiveProblem("voice_error", { cause: event.error ?? event });
}

/** @param {string | URL} url */
function withSlash(url) {
  const base = new URL(url, document.baseURI);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}
