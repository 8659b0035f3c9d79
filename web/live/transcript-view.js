// @ts-check
/** @file The transcript on the page: one bubble for an entry, read out once, when all of it is known. */

/** @typedef {import("./transcript.js").Entry} Entry */

export class TranscriptView {
  /** Who is speaking. */
  names = { user: "You", assistant: "Voice" };
  #list;
  #announce;
  /** @type {Map<string, HTMLElement>} */
  #bubbles = new Map();

  /** @param {HTMLElement} list @param {(words: string) => unknown} announce */
  constructor(list, announce) {
    this.#list = list;
    this.#announce = announce;
  }

  clear() {
    this.#list.replaceChildren();
    this.#bubbles.clear();
  }

  /** @param {Entry} entry */
  show(entry) {
    const isAtEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40;
    const bubble = this.#bubbles.get(entry.id) ?? this.#add(entry);
    bubble.querySelector(".words")?.replaceChildren(entry.text || "…");
    if (entry.isInterrupted) bubble.querySelector(".interrupted")?.replaceChildren(" (interrupted)");
    // Who reads what was said before is left in peace.
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight;
    if (entry.isFinal && !entry.isInterrupted) this.#announce(`${this.names[entry.role]}: ${entry.text}`);
  }

  /** What is still open never gets words. */
  close() {
    for (const bubble of this.#bubbles.values()) {
      const words = bubble.querySelector(".words");
      if (words?.textContent === "…") words.textContent = "(not understood)";
    }
  }

  /** @param {Entry} entry */
  #add({ id, role }) {
    const bubble = document.createElement("li");
    bubble.className = role;
    bubble.append(span("who", this.names[role]), span("words", ""), span("interrupted", ""));
    this.#bubbles.set(id, bubble);
    this.#list.append(bubble);
    return bubble;
  }
}

/** @param {string} className @param {string} text */
function span(className, text) {
  return Object.assign(document.createElement("span"), { className, textContent: text });
}
