// Runs the port's contract against the ajv validator.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";

import type { Clock } from "../../core/clock.ts";
import { schemaValidatorContract } from "../../ports/contract/schema-validator.contract.ts";
import { systemClock } from "../system/system-clock.ts";
import { openAjvValidator } from "./ajv-validator.ts";

/** How often the validator sees to that no check waits too long for a thread to start: on a very busy machine, that takes longer. */
const START_LOOK_MS = 1_000;
const patientClock: Clock = {
	...systemClock,
	after: (delayMs, fire) => systemClock.after(delayMs === START_LOOK_MS ? DEADLINE_MS : delayMs, fire),
};

schemaValidatorContract({
	name: "ajv",
	open: (clock) => openAjvValidator({ clock }),
	// The default.
	timeLimitMs: 500,
	openPatient: () => openAjvValidator({ clock: patientClock, timeLimitMs: DEADLINE_MS }),
	openForgetful: (clock) => openAjvValidator({ clock, maxSchemas: 2 }),
});
