// Runs the port's contract against the ajv validator.
import { schemaValidatorContract } from "../../ports/contract/schema-validator.contract.ts";
import { openAjvValidator } from "./ajv-validator.ts";

schemaValidatorContract({
	name: "ajv",
	open: () => openAjvValidator(),
	openPatient: () => openAjvValidator({ timeLimitMs: 20_000 }),
});
