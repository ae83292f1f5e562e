// The classes of prom-client with which the server counts. Its main file also loads OpenTelemetry's API, a client of gateways and more, of which
// a start needs nothing.
import { createRequire } from "node:module";

import type * as prom from "prom-client";

const require = createRequire(import.meta.url);

export const Counter = require("prom-client/lib/counter.js") as typeof prom.Counter;
export const Gauge = require("prom-client/lib/gauge.js") as typeof prom.Gauge;
export const Histogram = require("prom-client/lib/histogram.js") as typeof prom.Histogram;
export const Registry = require("prom-client/lib/registry.js") as typeof prom.Registry;

export type Counter<Label extends string = string> = prom.Counter<Label>;
export type Histogram<Label extends string = string> = prom.Histogram<Label>;
export type Registry = prom.Registry;
