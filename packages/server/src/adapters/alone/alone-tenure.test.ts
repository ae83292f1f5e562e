// Runs the contract of the tenure's port for a process that runs alone.
import { tenureContract } from "../../ports/contract/tenure.contract.ts";
import { createAloneTenure } from "./alone-tenure.ts";

tenureContract({ name: "alone", open: () => Promise.resolve(createAloneTenure()) });
