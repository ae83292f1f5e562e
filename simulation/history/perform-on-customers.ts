// Steps that delete customers.
import { customerScope } from "../../packages/server/src/core/access/principal.ts";
import { at } from "./choose.ts";
import type { Player } from "./player.ts";
import type { Action } from "./steps.ts";

/** Projects have customers of the same names, who have nothing to do with each other. */
export function customerIdOf(customer: number): string {
	return `customer-${customer}`;
}

export function performOnCustomers(
	player: Player,
	{ project: index, customer }: Extract<Action, { do: "delete customer" }>,
): void {
	const project = at(player.book.liveProjects(), index);
	if (project === undefined) return;
	const customerId = customerIdOf(customer);
	const managed = {
		action: "customer.delete",
		project,
		objectId: customerId,
		// Another deletion may be under way.
		hasChanged: () => false,
		readsAfterwards: true,
	};
	player.manage(managed, (engine, { audit }) =>
		engine.customers.delete({ scope: customerScope(project.id, customerId), audit }),
	);
}
