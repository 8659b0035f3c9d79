// @ts-check
/** @file What both sides said, entry by entry, as far as it is known. */

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {"user" | "assistant"} role
 * @property {string} text all of it so far; empty while only the sound is known
 * @property {boolean} isFinal
 * @property {boolean} isInterrupted the user spoke before all of it was heard
 * @typedef {import("./link.js").LiveEvent} LiveEvent
 */

const HEARD = "conversation.item.input_audio_transcription.";
const SAID = "response.output_audio_transcript.";
const WRITTEN = "response.output_text.";

export class Transcript {
  #onEntry;
  /** Entries that may still change. @type {Map<string, Entry>} */
  #open = new Map();

  /** @param {(entry: Entry) => void} onEntry */
  constructor(onEntry) {
    this.#onEntry = onEntry;
  }

  /** @param {LiveEvent} event by its newer name */
  take(event) {
    const id = event.item_id ?? event.response_id;
    if (!id) return;
    if (event.type === "input_audio_buffer.committed") this.#write(id, "user", "");
    else if (event.type.startsWith(HEARD)) this.#write(id, "user", this.#heard(id, event), event.type.endsWith("completed"));
    else if (event.type === `${SAID}delta` || event.type === `${WRITTEN}delta`) {
      this.#write(id, "assistant", this.#textOf(id) + (event.delta ?? ""));
    } else if (event.type === `${SAID}done` || event.type === `${WRITTEN}done`) {
      this.#write(id, "assistant", event.transcript ?? event.text ?? this.#textOf(id), true);
    }
  }

  /** @param {string} id */
  interrupt(id) {
    const entry = this.#open.get(id);
    if (entry) this.#emit({ ...entry, isFinal: true, isInterrupted: true });
  }

  /** No more will come of what the voice was saying. */
  close() {
    for (const entry of this.#open.values()) {
      if (entry.role === "assistant" && !entry.isFinal) this.#emit({ ...entry, isFinal: true });
    }
  }

  /** @param {string} id */
  #textOf(id) {
    return this.#open.get(id)?.text ?? "";
  }

  /** @param {string} id @param {LiveEvent} event */
  #heard(id, { transcript, delta }) {
    return transcript ?? this.#textOf(id) + (delta ?? "");
  }

  /** @param {string} id @param {Entry["role"]} role @param {string} text @param {boolean} [isFinal] */
  #write(id, role, text, isFinal = false) {
    if (this.#open.get(id)?.isFinal) return;
    this.#emit({ id, role, text, isFinal, isInterrupted: false });
  }

  /** @param {Entry} entry */
  #emit(entry) {
    // An answer can be interrupted after its last word came, an older one can't.
    if (!this.#open.has(entry.id) && entry.role === "assistant") this.#forgetAnswers();
    if (entry.role === "user" && entry.isFinal) this.#open.delete(entry.id);
    else this.#open.set(entry.id, entry);
    this.#onEntry(entry);
  }

  #forgetAnswers() {
    for (const { id, role, isFinal } of this.#open.values()) {
      if (role === "assistant" && isFinal) this.#open.delete(id);
    }
  }
}
