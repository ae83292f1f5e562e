// The validator on ajv keeps the port's contract.
import { schemaValidatorContract } from "../../ports/contract/schema-validator.contract.ts";
import { openAjvValidator } from "./ajv-validator.ts";

schemaValidatorContract({ name: "ajv", open: () => openAjvValidator() });
