// What the command needs to grade a receiver by itself: the checks, without the rest of the server.
export { CHECKS, CHECKS_BY_SERVER, type Check } from "./core/conformance/checks.ts";
export { grade, type Graded } from "./core/conformance/grade.ts";
export type { Probe, Variation } from "./core/conformance/probe.ts";
