// @ts-check
/** @file PCM16 mono as it travels: base64 to bytes and back, bytes to samples, loudness as a meter shows it. */

const QUIETEST_DB = -60;

/** @param {ArrayBuffer} pcm at most some tens of kilobytes */
export function toBase64(pcm) {
  return btoa(String.fromCharCode(...new Uint8Array(pcm)));
}

/** @param {string} text */
export function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** Makes samples of bytes; a piece may end in the middle of a sample. */
export class SampleReader {
  #left = new Uint8Array(0);

  /** @param {Uint8Array} bytes @returns {Int16Array} */
  read(bytes) {
    const all = new Uint8Array(this.#left.length + bytes.length);
    all.set(this.#left);
    all.set(bytes, this.#left.length);
    const whole = all.length - (all.length % 2);
    this.#left = all.slice(whole);
    return new Int16Array(all.buffer, 0, whole / 2);
  }
}

/** From silence (0) to full scale (1), even to the ear. @param {number} rms */
export function loudness(rms) {
  if (!rms) return 0;
  return Math.max(0, Math.min(1, 1 - (20 * Math.log10(rms)) / QUIETEST_DB));
}
