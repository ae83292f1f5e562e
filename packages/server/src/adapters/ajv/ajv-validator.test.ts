// Runs the port's contract against the ajv validator.
import { schemaValidatorContract } from "../../ports/contract/schema-validator.contract.ts";
import { systemClock } from "../system/system-clock.ts";
import { openAjvValidator } from "./ajv-validator.ts";

schemaValidatorContract({
	name: "ajv",
	open: () => openAjvValidator({ clock: systemClock }),
	openPatient: () => openAjvValidator({ clock: systemClock, timeLimitMs: 20_000 }),
	openForgetful: () => openAjvValidator({ clock: systemClock, maxSchemas: 2 }),
});
