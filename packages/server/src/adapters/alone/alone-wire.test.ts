// Runs the contract of the wire's port for a process that runs alone.
import { wireContract } from "../../ports/contract/wire.contract.ts";
import { createAloneWire } from "./alone-wire.ts";

const alone = { wire: createAloneWire(), place: { member: "alone", epoch: 0 } };

wireContract({ name: "alone", open: () => Promise.resolve([alone]), maxMembers: 1 });
