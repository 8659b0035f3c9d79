/** @file One message of the conversation: its text, and for an answer what plays it. */

class Message {
  /** @type {Reading | undefined} */
  reading;
  #text;
  #controls;

  /** @param {"user" | "assistant"} role */
  constructor(role) {
    const who = role === "user" ? WORDS.you : WORDS.reply;
    this.#text = element("p", { class: "text", dir: "auto" });
    this.#controls = element("div", { class: "controls", hidden: true });
    this.node = element(
      "div",
      { class: `message ${role}` },
      element("span", { class: "unseen" }, `${who}: `),
      this.#text,
      this.#controls,
    );
  }

  get text() {
    return this.#text.textContent ?? "";
  }

  /** Never as HTML: whatever an answer holds is shown, not run. */
  set text(text) {
    this.#text.textContent = text;
  }

  /** Nothing has come yet. */
  wait() {
    const dots = [0, 1, 2].map(() => element("i"));
    this.#text.append(element("span", { class: "dots", role: "img", "aria-label": WORDS.writing }, ...dots));
  }

  /** @param {{lang: string, onChange: () => void}} options */
  read(options) {
    return (this.reading = new SoundButtons(this.#controls, options).reading);
  }

  /** @param {string} words @param {() => void} again */
  fail(words, again) {
    const retry = element("button", { type: "button", class: "retry" }, WORDS.retry);
    retry.addEventListener("click", again);
    if (!this.text) this.#text.remove();
    this.node.append(element("div", { class: "problem", role: "alert" }, element("p", {}, words), retry));
  }
}

/** Play, pause, stop and again for one reading; one clear button where the browser wants a tap first. */
class SoundButtons {
  #box;
  #toggle = iconButton("play", WORDS.play, () => (this.reading.isActive ? this.reading.pause() : this.reading.play()));
  #stop = iconButton("stop", WORDS.stop, () => {
    this.reading.stop();
    this.#toggle.focus();
  });
  #tap = element("button", { type: "button", class: "tap" }, icon("soundOn"), WORDS.tap);
  #note = element("span", {});

  /** @param {HTMLElement} box @param {{lang: string, onChange: () => void}} options */
  constructor(box, { lang, onChange }) {
    this.#box = box;
    this.reading = new Reading({ lang, onChange: () => (this.#show(), onChange()) });
    this.#tap.addEventListener("click", () => {
      dropSound();
      unlockSound();
      this.reading.play();
      this.#toggle.focus();
    });
    box.append(this.#tap, this.#toggle, this.#stop, this.#note);
  }

  #show() {
    const { state, isActive, isByBrowser, parts } = this.reading;
    this.#box.hidden = parts.length === 0;
    this.#box.dataset.state = state;
    this.#tap.hidden = state !== "blocked";
    this.#toggle.hidden = state === "blocked";
    this.#stop.hidden = !isActive && state !== "paused";
    if (isActive) changeButton(this.#toggle, "pause", WORDS.pause);
    else if (state === "ended") changeButton(this.#toggle, "again", WORDS.again);
    else changeButton(this.#toggle, "play", WORDS.play);
    this.#note.textContent = state === "failed" ? WORDS.silent : isByBrowser ? WORDS.byBrowser : "";
  }
}
