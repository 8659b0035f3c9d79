// @ts-check
/** @file Plays queued PCM16 without gaps and knows to the sample what was played of each item; runs on the audio thread. */

/**
 * @typedef {{kind: "play", item: string, samples: Int16Array}
 *   | {kind: "finish", item: string}
 *   | {kind: "stop"}} PlaybackOrder
 * @typedef {{item: string, frames: number, isWhole: boolean}} PlayedItem `isWhole`: it was played to its end.
 * @typedef {{kind: "started", item: string}
 *   | {kind: "finished", item: string}
 *   | {kind: "stopped", items: PlayedItem[]}
 *   | {kind: "progress", frames: number, gaps: number, rms: number}} PlaybackReport
 * @typedef {{id: string, blocks: Int16Array[], at: number, waiting: number, played: number, isComplete: boolean}} Item
 */

const FADE_FRAMES = 128;

class PlaybackProcessor extends AudioWorkletProcessor {
  /** @param {{processorOptions: {cushionFrames: number, reportFrames: number}}} options */
  constructor({ processorOptions }) {
    super();
    this.cushionFrames = processorOptions.cushionFrames;
    this.reportFrames = processorOptions.reportFrames;
    /** @type {Item[]} */
    this.items = [];
    this.fade = new Float32Array(0);
    this.isFlowing = false;
    this.frames = this.gaps = this.silent = this.energy = this.sinceReport = 0;
    this.port.onmessage = ({ data }) => this.obey(data);
  }

  /** @param {PlaybackOrder} order */
  obey(order) {
    if (order.kind === "stop") return this.stop();
    const item = this.items.find(({ id }) => id === order.item);
    if (order.kind === "play") this.add(item ?? this.begin(order.item), order.samples);
    else if (item) this.complete(item);
    // Not a single sample of it came.
    else this.post({ kind: "finished", item: order.item });
  }

  /** @param {Item} item */
  complete(item) {
    item.isComplete = true;
    this.leaveFinished();
  }

  /** @param {string} id */
  begin(id) {
    const item = { id, blocks: [], at: 0, waiting: 0, played: 0, isComplete: false };
    this.items.push(item);
    return item;
  }

  /** @param {Item} item @param {Int16Array} samples */
  add(item, samples) {
    item.blocks.push(samples);
    item.waiting += samples.length;
  }

  stop() {
    const head = this.items[0];
    const fade = new Float32Array(FADE_FRAMES);
    // A sound that is cut off between two samples clicks.
    const length = head && this.isFlowing ? this.take(fade) : 0;
    this.fade = fade.subarray(0, length).map((sample, index) => sample * (1 - index / length));
    const items = this.items.map(({ id, played, waiting, isComplete }) => {
      return { item: id, frames: played, isWhole: isComplete && !waiting };
    });
    this.items = [];
    this.isFlowing = false;
    this.post({ kind: "stopped", items });
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, [[output]]) {
    output.set(this.fade);
    const faded = this.fade.length;
    this.fade = this.fade.subarray(faded);
    const written = faded || this.fill(output);
    this.measure(output, written);
    return true;
  }

  /** @param {Float32Array} output */
  fill(output) {
    let written = 0;
    while (written < output.length && this.items.length && this.mayFlow(this.items[0])) {
      written += this.take(output.subarray(written));
      if (!this.leaveFinished() && written < output.length) this.runDry();
    }
    return written;
  }

  /** Sound begins, and goes on after a gap, once some of it waits: pieces don't arrive evenly.
   * @param {Item} item */
  mayFlow(item) {
    this.isFlowing ||= item.isComplete || item.waiting >= this.cushionFrames;
    return this.isFlowing;
  }

  /** @param {Float32Array} output @returns {number} frames */
  take(output) {
    const item = this.items[0];
    let written = 0;
    while (written < output.length && item.waiting) {
      const block = item.blocks[0];
      const count = Math.min(output.length - written, block.length - item.at);
      for (let index = 0; index < count; index++) output[written + index] = block[item.at + index] / 0x8000;
      if (!item.played && count) this.post({ kind: "started", item: item.id });
      written += count;
      item.at += count;
      item.played += count;
      item.waiting -= count;
      if (item.at === block.length) {
        item.blocks.shift();
        item.at = 0;
      }
    }
    return written;
  }

  leaveFinished() {
    const head = this.items[0];
    if (!head?.isComplete || head.waiting) return false;
    this.items.shift();
    this.post({ kind: "finished", item: head.id });
    if (!this.items.length) this.isFlowing = false;
    return true;
  }

  runDry() {
    this.isFlowing = false;
    this.gaps += 1;
  }

  /** @param {Float32Array} output @param {number} written */
  measure(output, written) {
    for (const sample of output) this.energy += sample * sample;
    this.frames += written;
    this.silent = written ? 0 : this.silent + output.length;
    this.sinceReport += output.length;
    if (this.sinceReport < this.reportFrames) return;
    const rms = Math.sqrt(this.energy / this.sinceReport);
    this.energy = this.sinceReport = 0;
    if (this.silent < 3 * this.reportFrames) {
      this.post({ kind: "progress", frames: this.frames, gaps: this.gaps, rms });
    }
  }

  /** @param {PlaybackReport} report */
  post(report) {
    this.port.postMessage(report);
  }
}

registerProcessor("recite-playback", PlaybackProcessor);

export {};
