// @ts-check
/** @file The voice's sound: queued, played without gaps, stopped at once, counted in milliseconds really played. */

/**
 * @typedef {import("./playback-worklet.js").PlaybackReport} PlaybackReport
 * @typedef {{item: string, ms: number, isWhole: boolean}} Played milliseconds played of an item
 */

const CUSHION_MS = 80;
const REPORT_MS = 50;

export class Speaker {
  /** Frames played so far, and how often the sound ran dry in the middle of an item. */
  frames = 0;
  gaps = 0;
  #node;
  #handlers;
  /** @type {((played: Played[]) => void)[]} */
  #stopping = [];

  /**
   * @param {AudioContext} context with the worklets loaded
   * @param {{onStarted: (item: string) => void, onFinished: (item: string) => void, onLevel: (rms: number) => void}} handlers
   */
  constructor(context, handlers) {
    const framesIn = (/** @type {number} */ ms) => Math.round((context.sampleRate * ms) / 1000);
    this.#handlers = handlers;
    this.#node = new AudioWorkletNode(context, "recite-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { cushionFrames: framesIn(CUSHION_MS), reportFrames: framesIn(REPORT_MS) },
    });
    this.#node.port.onmessage = ({ data }) => this.#hear(data);
    this.#node.connect(context.destination);
  }

  /** @param {string} item @param {Int16Array} samples at the context's rate */
  play(item, samples) {
    if (samples.length) this.#node.port.postMessage({ kind: "play", item, samples }, [samples.buffer]);
  }

  /** Nothing more comes of an item. @param {string} item */
  finish(item) {
    this.#node.port.postMessage({ kind: "finish", item });
  }

  /** Silence at once; what was played of each item that had not come to its end. @returns {Promise<Played[]>} */
  stop() {
    return new Promise((resolve) => {
      this.#stopping.push(resolve);
      this.#node.port.postMessage({ kind: "stop" });
    });
  }

  close() {
    this.#node.disconnect();
  }

  /** @param {PlaybackReport} report */
  #hear(report) {
    if (report.kind === "started") this.#handlers.onStarted(report.item);
    else if (report.kind === "finished") this.#handlers.onFinished(report.item);
    else if (report.kind === "stopped") this.#stopping.shift()?.(report.items.map((item) => this.#inMs(item)));
    else {
      this.frames = report.frames;
      this.gaps = report.gaps;
      this.#handlers.onLevel(report.rms);
    }
  }

  /** @param {import("./playback-worklet.js").PlayedItem} item */
  #inMs({ item, frames, isWhole }) {
    return { item, ms: Math.floor((frames * 1000) / this.#node.context.sampleRate), isWhole };
  }
}
