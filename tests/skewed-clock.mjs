// Preloaded with --import: a machine whose clock is off by SKEW_SECONDS.
const RealDate = Date;
const skewMilliseconds = Number(process.env.SKEW_SECONDS) * 1_000;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [RealDate.now() + skewMilliseconds] : parts));
  }

  static now() {
    return RealDate.now() + skewMilliseconds;
  }
};
