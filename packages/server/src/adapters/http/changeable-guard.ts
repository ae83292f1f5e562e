// An address guard whose rules can be replaced while it is in use: whoever has it asks the one in force.
import { createAddressGuard, type AddressGuard, type AddressGuardOptions } from "./address-guard.ts";

/** A guard, and the way to give it other rules. */
export interface ChangeableGuard extends AddressGuard {
	/** Puts other rules in force, for each check from now on. */
	replace(guard: AddressGuard): void;
}

/** Creates a guard. Throws a `TypeError` if a network is not valid. */
export function createChangeableGuard(options: AddressGuardOptions): ChangeableGuard {
	let current = createAddressGuard(options);
	return {
		get rules() {
			return current.rules;
		},
		partyOf: (...args) => current.partyOf(...args),
		reject: (...args) => current.reject(...args),
		rejectOrigin: (...args) => current.rejectOrigin(...args),
		isAllowed: (ip) => current.isAllowed(ip),
		refusal: (...args) => current.refusal(...args),
		isPublic: (ip) => current.isPublic(ip),
		replace: (guard) => (current = guard),
	};
}
