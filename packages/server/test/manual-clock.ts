export { ManualClock } from "../src/core/manual-clock.ts";
