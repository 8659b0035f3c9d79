/** @file `<recite-audio job-id="ara-3f9c….mp3" label="Order shipped">`: plays one audio that the service has. */

/**
 * Attributes: `job-id` or `src`, `label`, `api`, `theme`. `state` says where it is: idle, loading, playing, paused or
 * failed; each change is told by the event `recite-state`.
 */
class ReciteAudio extends HTMLElement {
  static observedAttributes = ["job-id", "src", "label"];

  #audio = new Audio();
  #button = iconButton("play", WORDS.play, () => this.toggle());
  #label = element("span", { class: "label" });
  #time = element("span", { class: "time" });
  #seek = element("input", {
    type: "range",
    min: "0",
    max: "1",
    step: "any",
    value: "0",
    "aria-label": WORDS.position,
    disabled: true,
  });
  #box = element(
    "div",
    { class: "player", role: "group" },
    this.#button,
    element("div", { class: "middle" }, this.#label, this.#seek),
    this.#time,
  );
  #isWanted = false;

  constructor() {
    super();
    shadow(this, COLOURS, AUDIO_STYLE).append(this.#box);
    this.#audio.preload = "none";
    const on = (/** @type {string} */ name, /** @type {() => void} */ act) => this.#audio.addEventListener(name, act);
    on("playing", () => this.#become("playing"));
    on("waiting", () => this.#isWanted && this.#become("loading"));
    on("pause", () => this.#audio.paused && this.state !== "failed" && this.#become("paused"));
    on("ended", () => this.#become("paused"));
    on("error", () => this.#audio.hasAttribute("src") && this.#fail());
    ["timeupdate", "durationchange", "seeked"].forEach((name) => on(name, () => this.#showTime()));
    this.#seek.addEventListener("input", () => (this.#audio.currentTime = Number(this.#seek.value)));
  }

  /** @returns {"idle" | "loading" | "playing" | "paused" | "failed"} */
  get state() {
    return /** @type {any} */ (this.getAttribute("state")) ?? "idle";
  }

  /** Where its audio is; empty while nobody said which. */
  get url() {
    const id = this.getAttribute("job-id");
    return this.getAttribute("src") ?? (id ? `${serviceOf(this)}/v1/audio/${encodeURIComponent(id)}` : "");
  }

  connectedCallback() {
    if (!this.hasAttribute("state")) this.#become("idle");
    this.#showTime();
  }

  disconnectedCallback() {
    this.#audio.pause();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    const label = this.getAttribute("label") ?? WORDS.audio;
    this.#label.textContent = label;
    this.#box.setAttribute("aria-label", label);
    if (name !== "label") this.#forget();
  }

  toggle() {
    if (this.#isWanted) this.pause();
    else this.play();
  }

  /** Plays on, or begins again at the end. */
  async play() {
    if (!this.url) return;
    takeSound(this);
    this.#isWanted = true;
    if (!this.#audio.hasAttribute("src") || this.#audio.error) this.#audio.src = this.url;
    this.#become("loading");
    try {
      await this.#audio.play();
    } catch (cause) {
      const { name } = /** @type {DOMException} */ (cause);
      // Forbidden until somebody presses the button that is there for it.
      if (name === "NotAllowedError") this.#become("paused");
      else if (name !== "AbortError") this.#fail();
    }
  }

  pause() {
    this.#audio.pause();
  }

  yieldSound() {
    this.pause();
  }

  #forget() {
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    this.#audio.load();
    this.#become("idle");
    this.#showTime();
  }

  #fail() {
    this.#become("failed");
    this.#label.textContent = WORDS.silent;
  }

  /** @param {"idle" | "loading" | "playing" | "paused" | "failed"} state */
  #become(state) {
    if (state === this.getAttribute("state")) return;
    if (this.state === "failed") this.#label.textContent = this.getAttribute("label") ?? WORDS.audio;
    this.#isWanted = state === "loading" || state === "playing";
    this.setAttribute("state", state);
    if (this.#isWanted) changeButton(this.#button, "pause", WORDS.pause);
    else
      changeButton(this.#button, state === "failed" ? "again" : "play", state === "failed" ? WORDS.retry : WORDS.play);
    this.#box.setAttribute("aria-busy", String(state === "loading"));
    this.dispatchEvent(new CustomEvent("recite-state", { detail: { state }, bubbles: true, composed: true }));
  }

  #showTime() {
    this.#button.disabled = !this.url;
    const { currentTime, duration } = this.#audio;
    // While it is made nobody knows how long it will be, nor can it be wound.
    const isKnown = Number.isFinite(duration) && duration > 0;
    const spoken = `${clock(currentTime)}${isKnown ? ` / ${clock(duration)}` : ""}`;
    this.#time.textContent = spoken;
    this.#seek.disabled = !isKnown;
    this.#seek.max = String(isKnown ? duration : 1);
    this.#seek.value = String(isKnown ? currentTime : 0);
    this.#seek.setAttribute("aria-valuetext", spoken);
  }
}

/** @param {number} seconds */
function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
