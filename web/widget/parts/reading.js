/** @file An answer read out, sentence after sentence, while more of them come. */

/**
 * @typedef {{text: string, url: string | null}} Part a sentence, and where its sound is
 * @typedef {"idle" | "loading" | "playing" | "paused" | "blocked" | "ended" | "failed"} SoundState
 */

class Reading {
  /** @type {Part[]} */
  parts = [];
  /** @type {SoundState} */
  state = "idle";
  /** Whether the browser's own voice had to speak. */
  isByBrowser = false;
  #at = 0;
  #isOpen = true;
  #run = new AbortController();
  #more = () => {};
  #lang;
  #onChange;

  /** @param {{lang: string, onChange: () => void}} options */
  constructor({ lang, onChange }) {
    this.#lang = lang;
    this.#onChange = onChange;
  }

  get isActive() {
    return this.state === "loading" || this.state === "playing";
  }

  /** @param {Part} part */
  add(part) {
    this.parts.push(part);
    this.#more();
    this.#prepare();
    this.#onChange();
  }

  /** No more parts come. */
  close() {
    this.#isOpen = false;
    this.#more();
  }

  /** Goes on where it was paused, or begins again. Within a click browsers allow what they forbid otherwise. */
  play() {
    if (this.isActive) return;
    takeSound(this);
    this.#run = new AbortController();
    this.#read(this.#run.signal);
  }

  pause() {
    if (!this.isActive) return;
    this.#run.abort();
    this.#become("paused");
  }

  stop() {
    if (!this.isActive && this.state !== "paused" && this.state !== "blocked") return;
    this.#run.abort();
    dropSound();
    this.#at = 0;
    this.#become("ended");
  }

  yieldSound() {
    this.stop();
  }

  /** @param {AbortSignal} signal */
  async #read(signal) {
    try {
      let isHeard = false;
      for (; this.#at < this.parts.length || this.#isOpen;) {
        this.#become("loading");
        if (this.#at === this.parts.length) await this.#next(signal);
        else {
          isHeard = (await this.#speak(this.parts[this.#at], signal)) || isHeard;
          this.#at++;
        }
        signal.throwIfAborted();
      }
      this.#at = 0;
      this.#become(isHeard ? "ended" : "failed");
    } catch (cause) {
      if (!signal.aborted) this.#become("blocked");
    }
  }

  /** @param {AbortSignal} signal @returns {Promise<void>} */
  #next(signal) {
    return new Promise((resolve) => {
      this.#more = resolve;
      signal.addEventListener("abort", () => resolve());
    });
  }

  /** Whether it was heard; throws when it needs a tap. @param {Part} part @param {AbortSignal} signal */
  async #speak(part, signal) {
    const onSound = (/** @type {boolean} */ isHeard) => {
      this.#become(isHeard ? "playing" : "loading");
      if (isHeard) this.#prepare();
    };
    if (part.url && (await succeeds(hear(part.url, { signal, onSound, onPause: () => this.pause() }), signal)))
      return true;
    // The same failure is not waited for again when it is played again.
    part.url = null;
    this.isByBrowser = true;
    this.#become("playing");
    return "speechSynthesis" in window && succeeds(sayByBrowser(part.text, { lang: this.#lang, signal }), signal);
  }

  #prepare() {
    const next = this.parts[this.#at + 1];
    if (this.state === "playing" && next?.url) prepareSound(next.url);
  }

  /** @param {SoundState} state */
  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.#onChange();
  }
}

/**
 * Throws only what is not the sound's own failure: it was stopped, or needs a tap.
 * @param {Promise<void>} sound @param {AbortSignal} signal
 */
async function succeeds(sound, signal) {
  try {
    await sound;
    return true;
  } catch (cause) {
    if (signal.aborted || (cause instanceof DOMException && cause.name === "NotAllowedError")) throw cause;
    return false;
  }
}
