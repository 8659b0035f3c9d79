// Listens to what a page really plays, and notes what its ReciteLive tells; put into the page before its own scripts.
(() => {
  const noted = { loud: [], told: [], live: null };
  window.noted = noted;
  const connect = AudioNode.prototype.connect;
  const listen = (node) => {
    const ears = new AnalyserNode(node.context, { fftSize: 2048 });
    const samples = new Float32Array(ears.fftSize);
    connect.call(node, ears);
    setInterval(() => {
      ears.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      if (node.context.state === "running" && rms > 0.01) noted.loud.push(performance.now());
    }, 20);
  };
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) listen(this);
    return connect.call(this, to, ...rest);
  };
  const dispatch = EventTarget.prototype.dispatchEvent;
  EventTarget.prototype.dispatchEvent = function (event) {
    if (this.constructor.name === "ReciteLive" && event.type !== "level") {
      noted.live = this;
      const { type, detail } = event;
      const told = type === "event" ? { type: detail.type } : { type, code: detail.code, ...detail };
      noted.told.push({ ...told, at: performance.now() });
    }
    return dispatch.call(this, event);
  };
})();
