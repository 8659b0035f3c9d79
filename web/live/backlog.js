// @ts-check
/** @file Microphone audio that waits for its socket: the newest seconds of it, older sound goes first. */

const KEPT_MS = 2000;
const STALLED_MS = 8000;
// About a quarter of a second at 48 kHz: what the socket has taken can't be taken back.
const SOCKET_BYTES = 32_768;

export class Backlog {
  sent = 0;
  dropped = 0;
  /** @type {string[]} */
  #chunks = [];
  #longest;
  #movedAt = 0;

  /** @param {number} chunkMs */
  constructor(chunkMs) {
    this.#longest = Math.ceil(KEPT_MS / chunkMs);
  }

  /** @param {string} chunk an event, as text */
  push(chunk) {
    this.#chunks.push(chunk);
    if (this.#chunks.length <= this.#longest) return;
    this.#chunks.shift();
    this.dropped += 1;
  }

  /** Sends as much as the socket takes well. @param {WebSocket} socket */
  flush(socket) {
    while (this.#chunks.length && socket.bufferedAmount < SOCKET_BYTES) {
      socket.send(/** @type {string} */ (this.#chunks.shift()));
      this.sent += 1;
    }
    if (!this.#chunks.length) this.#movedAt = performance.now();
  }

  /** The time counts from now. */
  restart() {
    this.#movedAt = performance.now();
  }

  /** Whether the socket has not kept up for so long that it must be dead. */
  get isStalled() {
    return performance.now() - this.#movedAt > STALLED_MS;
  }
}
