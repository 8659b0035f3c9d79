// @ts-check
/** @file Who speaks: what the voice's events mean for the sound, the transcript and the state, and what barge-in does. */

import { fromBase64, SampleReader } from "./pcm.js";
import { Transcript } from "./transcript.js";

/**
 * @typedef {import("./link.js").LiveEvent} LiveEvent
 * @typedef {"listening" | "thinking" | "speaking"} Turn
 * @typedef {object} TurnHandlers
 * @property {(turn: Turn) => void} onTurn
 * @property {(entry: import("./transcript.js").Entry) => void} onTranscript
 * @property {(ms: number) => void} onLatency from the end of the user's speech to the first sample of the answer
 * @property {(event: LiveEvent) => void} send
 */

// The same payload goes by two names.
const OLD_NAME = /^response\.(audio|audio_transcript|text)\./;

export class Turns {
  #speaker;
  #handlers;
  #transcript;
  /** The response whose sound is wanted; what comes late of another one is dropped. @type {string | null} */
  #response = null;
  /** Items that still sound or will. @type {Map<string, SampleReader>} */
  #items = new Map();
  #isThinking = false;
  #stoppedAt = 0;

  /** @param {import("./speaker.js").Speaker} speaker @param {TurnHandlers} handlers */
  constructor(speaker, handlers) {
    this.#speaker = speaker;
    this.#handlers = handlers;
    this.#transcript = new Transcript(handlers.onTranscript);
  }

  /** @param {LiveEvent} event */
  take(event) {
    const type = event.type.replace(OLD_NAME, "response.output_$1.");
    if (type === "input_audio_buffer.speech_started") this.#interrupt();
    else if (type === "input_audio_buffer.speech_stopped") this.#await();
    else if (type === "response.created") this.#begin(event.response?.id ?? "");
    else if (type === "response.output_audio.delta") this.#play(event);
    else if (type === "response.output_audio.done") this.#speaker.finish(itemOf(event));
    else if (type === "response.done") this.#end(event.response?.id ?? "");
    if (!type.startsWith("response.") || this.#isWanted(event)) this.#transcript.take({ ...event, type });
  }

  /** The first sample of an item was played. */
  started() {
    if (this.#stoppedAt) this.#handlers.onLatency(performance.now() - this.#stoppedAt);
    this.#stoppedAt = 0;
    this.#isThinking = false;
    this.#tell();
  }

  /** The last sample of an item was played. @param {string} item */
  finished(item) {
    this.#items.delete(item);
    this.#tell();
  }

  /** The connection broke: of what was being said no more will come. */
  breakOff() {
    this.#response = null;
    this.#isThinking = false;
    for (const item of this.#items.keys()) this.#speaker.finish(item);
    this.#transcript.close();
  }

  /** Whose turn it is. @returns {Turn} */
  get turn() {
    if (this.#items.size) return "speaking";
    return this.#isThinking ? "thinking" : "listening";
  }

  #tell() {
    this.#handlers.onTurn(this.turn);
  }

  #interrupt() {
    this.#response = null;
    this.#isThinking = false;
    this.#stoppedAt = 0;
    if (this.#items.size) this.#cut();
    else this.#tell();
  }

  async #cut() {
    this.#items.clear();
    this.#tell();
    for (const { item, ms, isWhole } of await this.#speaker.stop()) {
      if (isWhole) continue;
      this.#handlers.send({ type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: ms });
      this.#transcript.interrupt(item);
    }
  }

  #await() {
    this.#stoppedAt = performance.now();
    this.#isThinking = true;
    this.#tell();
  }

  /** @param {string} response */
  #begin(response) {
    this.#response = response;
    this.#isThinking = true;
    this.#tell();
  }

  /** @param {LiveEvent} event */
  #play(event) {
    if (!this.#isWanted(event)) return;
    const item = itemOf(event);
    const reader = this.#items.get(item) ?? new SampleReader();
    this.#items.set(item, reader);
    this.#speaker.play(item, reader.read(fromBase64(event.delta ?? "")));
  }

  /** @param {string} response */
  #end(response) {
    if (response !== this.#response) return;
    this.#response = null;
    this.#isThinking = false;
    for (const item of this.#items.keys()) this.#speaker.finish(item);
    this.#tell();
  }

  /** @param {LiveEvent} event */
  #isWanted(event) {
    return this.#response !== null && (event.response_id ?? this.#response) === this.#response;
  }
}

/** @param {LiveEvent} event @returns {string} */
function itemOf(event) {
  return event.item_id ?? event.response_id ?? "answer";
}
