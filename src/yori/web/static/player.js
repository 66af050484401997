// One sound with its picture: play, stop, loop, speed, and a line that shows where it is.

const RATES = [1, 1.25, 1.5, 2];

export class Player {
  constructor({ audio, picture, cursor, frame, changed }) {
    Object.assign(this, { audio, picture, cursor, frame, changed, rate: 1, autoplay: true });
    audio.addEventListener("play", () => this.#follow());
    audio.addEventListener("seeked", () => this.#place());
    frame.addEventListener("click", (event) => {
      const box = frame.getBoundingClientRect();
      if (Number.isFinite(audio.duration)) audio.currentTime = (audio.duration * (event.clientX - box.left)) / box.width;
      this.start();
    });
  }

  show(sound, picture) {
    this.audio.src = sound;
    this.audio.playbackRate = this.rate;
    this.picture.src = picture;
    this.cursor.style.transform = "translateX(0)";
    if (this.autoplay) this.start();
  }

  clear() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.picture.removeAttribute("src");
  }

  start() {
    this.audio.playbackRate = this.rate;
    // A browser that wants a key press first says so; the control stays there.
    return this.audio.play().then(() => true, (error) => error.name !== "NotAllowedError");
  }

  toggle() {
    if (this.audio.paused) this.start();
    else this.audio.pause();
  }

  replay() {
    this.audio.currentTime = 0;
    this.start();
  }

  toggleLoop() {
    this.audio.loop = !this.audio.loop;
    this.changed();
  }

  faster() {
    this.setRate(RATES[(RATES.indexOf(this.rate) + 1) % RATES.length]);
  }

  setRate(rate) {
    this.rate = RATES.includes(rate) ? rate : 1;
    this.audio.playbackRate = this.rate;
    this.changed();
  }

  #place() {
    const share = this.audio.duration > 0 ? this.audio.currentTime / this.audio.duration : 0;
    this.cursor.style.transform = `translateX(${share * this.frame.clientWidth}px)`;
  }

  #follow() {
    this.#place();
    if (!this.audio.paused && !this.audio.ended) requestAnimationFrame(() => this.#follow());
  }
}
