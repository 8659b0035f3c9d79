// @ts-check
/** @file The connection to one session: a WebSocket that is opened again with the resume token when it breaks. */

import { Backlog } from "./backlog.js";
import { closingProblem, LiveProblem } from "./problems.js";

/**
 * @typedef {{type: string, [field: string]: any}} LiveEvent one event of the relay's or the voice's
 * @typedef {{type?: string, code?: number, reason?: string, message?: string, resumable?: boolean}} Closing
 * @typedef {object} LinkHandlers
 * @property {(event: LiveEvent) => void} onEvent
 * @property {() => void} onReady the voice listens, for the first time or again
 * @property {() => void} onBroken the socket broke; it is being opened again
 * @property {(problem: LiveProblem) => void} onClosed it is over
 */

const OPENING_MS = 10_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 4000;
// The relay gives up a client that doesn't answer its pings after half a minute.
const HELD_MS = 45_000;
const GONE = 1000;
const IN_USE = 4409;

export class Link {
  /** How often the connection came back. */
  returns = 0;
  #address;
  #handlers;
  #backlog;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {LiveEvent[]} */
  #waiting = [];
  #isReady = false;
  #isOver = false;
  #graceMs = 0;
  #brokeAt = 0;
  #delayMs = FIRST_DELAY_MS;
  /** What the relay said before it closed. @type {Closing | null} */
  #closing = null;
  /** @type {number | undefined} */
  #timer;

  /** @param {URL} address @param {{chunkMs: number} & LinkHandlers} how */
  constructor(address, { chunkMs, ...handlers }) {
    this.#address = address;
    this.#handlers = handlers;
    this.#backlog = new Backlog(chunkMs);
    addEventListener("online", this.#retry);
    addEventListener("offline", this.#lose);
    this.#open();
  }

  /** @returns {{sent: number, dropped: number}} chunks of microphone audio */
  get audio() {
    return this.#backlog;
  }

  /** Sends an event now, or as soon as the voice listens again. @param {LiveEvent} event */
  send(event) {
    if (this.#isReady) this.#socket?.send(JSON.stringify(event));
    else this.#waiting.push(event);
  }

  /** Sends a chunk of microphone audio; what the connection doesn't take in time is lost. @param {string} base64 */
  sendAudio(base64) {
    this.#backlog.push(`{"type":"input_audio_buffer.append","audio":"${base64}"}`);
    if (!this.#isReady || !this.#socket) return;
    this.#backlog.flush(this.#socket);
    if (this.#backlog.isStalled) this.#lose();
  }

  /** Ends the session. */
  close() {
    this.#leave();
    this.#socket?.close(GONE, "client_done");
  }

  #open() {
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    this.#closing = null;
    this.#timer = setTimeout(this.#lose, OPENING_MS);
    socket.onopen = () => clearTimeout(this.#timer);
    socket.onmessage = ({ data }) => typeof data === "string" && this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#closed({ code, reason });
  }

  /** @param {LiveEvent} event */
  #receive(event) {
    if (event.type === "relay.session") this.#greet(event);
    if (event.type === "relay.closing") this.#closing = event;
    this.#handlers.onEvent(event);
    if (event.type === "session.updated" && !this.#isReady) this.#begin();
  }

  /** @param {LiveEvent} hello */
  #greet({ resume_token: token, limits }) {
    this.#graceMs = (limits?.grace_seconds ?? 0) * 1000;
    this.#address.search = token ? `?${new URLSearchParams({ token })}` : "";
  }

  #begin() {
    if (this.#brokeAt) this.returns += 1;
    this.#isReady = true;
    this.#brokeAt = 0;
    this.#delayMs = FIRST_DELAY_MS;
    this.#backlog.restart();
    for (const event of this.#waiting.splice(0)) this.send(event);
    this.#handlers.onReady();
  }

  /** @param {Closing} close */
  #closed(close) {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    const closing = this.#closing ?? close;
    if (this.#mayReturn(closing)) this.#wait(closing.code ?? 1006);
    else this.#end(closing);
  }

  /** Whether the session may still be there. @param {Closing} closing */
  #mayReturn({ code = 1006, resumable }) {
    if (!this.#graceMs) return false;
    if (this.#isHeld(code)) return true;
    return resumable ?? !isFinal(code);
  }

  /** Our broken socket may look open from there for a while. @param {number} code */
  #isHeld(code) {
    return code === IN_USE && Boolean(this.#brokeAt);
  }

  /** @param {number} code */
  #wait(code) {
    const isNew = !this.#brokeAt;
    this.#brokeAt ||= performance.now();
    this.#isReady = false;
    this.#socket = null;
    const longestMs = this.#isHeld(code) ? Math.max(HELD_MS, this.#graceMs) : this.#graceMs;
    if (performance.now() - this.#brokeAt + this.#delayMs > longestMs) return this.#end({ code: 1006 });
    if (isNew) this.#handlers.onBroken();
    this.#timer = setTimeout(this.#retry, this.#delayMs * (0.75 + Math.random() / 2));
    this.#delayMs = Math.min(2 * this.#delayMs, LONGEST_DELAY_MS);
  }

  #retry = () => {
    if (!this.#brokeAt || this.#socket) return;
    clearTimeout(this.#timer);
    this.#open();
  };

  /** Gives a socket up that would take minutes to notice. */
  #lose = () => {
    const socket = this.#socket;
    if (!socket) return;
    silence(socket);
    socket.close();
    this.#closed({ code: 1006, reason: "" });
  };

  /** @param {Closing} closing */
  #end(closing) {
    this.#leave();
    const wasNeverThere = !this.#graceMs && !closing.reason;
    this.#handlers.onClosed(wasNeverThere ? new LiveProblem("service_away") : closingProblem(closing));
  }

  #leave() {
    this.#isOver = true;
    this.#isReady = false;
    clearTimeout(this.#timer);
    removeEventListener("online", this.#retry);
    removeEventListener("offline", this.#lose);
    if (this.#socket) silence(this.#socket);
  }
}

/** @param {number} code */
function isFinal(code) {
  return code === 1000 || code === 1008 || code === 1009 || code >= 4000;
}

/** @param {WebSocket} socket */
function silence(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
}
