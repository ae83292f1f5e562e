// Runs the port's contract against the ajv validator.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";

import type { Clock } from "../../core/clock.ts";
import { schemaValidatorContract } from "../../ports/contract/schema-validator.contract.ts";
import { systemClock } from "../system/system-clock.ts";
import { openAjvValidator } from "./ajv-validator.ts";

/** How long the validator waits for a thread to start: too short on a very busy machine. */
const START_LIMIT_MS = 10_000;
const patientClock: Clock = {
	...systemClock,
	after: (delayMs, fire) => systemClock.after(delayMs === START_LIMIT_MS ? DEADLINE_MS : delayMs, fire),
};

schemaValidatorContract({
	name: "ajv",
	open: (clock) => openAjvValidator({ clock }),
	// The default.
	timeLimitMs: 500,
	openPatient: () => openAjvValidator({ clock: patientClock, timeLimitMs: DEADLINE_MS }),
	openForgetful: (clock) => openAjvValidator({ clock, maxSchemas: 2 }),
});
