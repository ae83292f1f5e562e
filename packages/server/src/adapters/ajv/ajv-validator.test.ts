// Runs the port's contract against the ajv validator.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";

import { schemaValidatorContract } from "../../ports/contract/schema-validator.contract.ts";
import { systemClock } from "../system/system-clock.ts";
import { openAjvValidator } from "./ajv-validator.ts";

schemaValidatorContract({
	name: "ajv",
	open: (clock) => openAjvValidator({ clock }),
	// The default.
	timeLimitMs: 500,
	openPatient: () => openAjvValidator({ clock: systemClock, timeLimitMs: DEADLINE_MS }),
});
