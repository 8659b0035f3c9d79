// Notes what a page really plays and what it has the browser's own voice say; put into the page before its own scripts.
(() => {
  const noted = { sounds: [], said: [], refused: 0, most: 0, rate: 1 };
  window.noted = noted;
  const heard = new Set();
  const isHeard = (audio) => !audio.paused && !audio.ended && audio.readyState > 2 && audio.duration > 0.01;
  const note = (audio, what) => {
    if (audio.duration < 0.01) return;
    noted.sounds.push({ what, src: audio.src.slice(0, 100), from: audio.currentTime, at: performance.now() });
    noted.most = Math.max(noted.most, [...heard].filter(isHeard).length);
  };
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (!heard.has(this)) ["playing", "pause", "ended"].forEach((what) => this.addEventListener(what, () => note(this, what)));
    heard.add(this);
    this.playbackRate = noted.rate;
    note(this, "play");
    const playing = play.call(this);
    playing.catch(({ name }) => {
      if (name !== "NotAllowedError") return;
      noted.refused++;
      console.log("refused");
    });
    return playing;
  };
  let talking;
  window.speechSynthesis.speak = (utterance) => {
    noted.said.push(utterance.text);
    utterance.dispatchEvent(new Event("start"));
    talking = setTimeout(() => utterance.dispatchEvent(new Event("end")), 300);
  };
  window.speechSynthesis.cancel = () => clearTimeout(talking);
})();
