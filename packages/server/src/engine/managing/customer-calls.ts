// Customers: their names and metadata, and changes of all webhooks of one.
import type { CustomerRefusal, KeptCustomerLimits } from "../../core/access/customer.ts";
import {
	customerNotFound,
	projectOf,
	wholeProject,
	type CustomerScope,
	type Scope,
} from "../../core/access/principal.ts";
import { counted, FanfareError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { CustomerChanges, CustomerStore, CustomerSummary } from "../../ports/store/customers.ts";
import type { CustomerDeletions } from "../background/customer-deletions.ts";
import type { Change, Customers } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import { customerBeingDeleted } from "../directory/not-found.ts";
import type { KnownWebhook } from "../directory/webhook-table.ts";
import type { PartsOn } from "../parts.ts";
import { auditEntry } from "./changes/audit-entries.ts";
import { writeInProject } from "./changes/write-in-project.ts";
import type { WebhookCalls } from "./webhook-calls.ts";

type Parts = Pick<PartsOn<CustomerStore>, "store" | "clock" | "ids" | "changeRates">;

interface Neighbours {
	readonly directory: Directory;
	readonly webhooks: Pick<WebhookCalls, "pause" | "resume">;
	readonly deletions: Pick<CustomerDeletions, "begin">;
}

/** The customers of all projects. */
export class CustomerCalls implements Customers {
	readonly #parts: Parts;
	readonly #limits: KeptCustomerLimits;
	readonly #near: Neighbours;

	constructor(parts: Parts, limits: KeptCustomerLimits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
	}

	async list(scope: Scope, text: string | null, page: PageRequest): Promise<Page<CustomerSummary & { id: string }>> {
		this.#near.directory.project(wholeProject(scope));
		return this.#parts.store.customers(scope, text, page);
	}

	async get(scope: Scope): Promise<CustomerSummary> {
		this.#near.directory.project(projectOf(scope));
		const found = await this.#parts.store.customer(ofCustomer(scope));
		if (found === null) throw customerNotFound();
		return found;
	}

	async update({ scope, audit }: Change, changes: CustomerChanges): Promise<CustomerSummary> {
		const customer = ofCustomer(scope);
		const { customerId: objectId, projectId } = customer;
		this.#near.directory.project(projectId);
		this.#refuseIfDeleting(customer);
		const entry = auditEntry(this.#parts, audit, { objectId, projectId });
		const { maxCustomers, maxCustomerBytes } = this.#limits;
		const limits = { maxCustomers, maxCustomerBytes };
		const options = { at: this.#parts.clock.now(), entry, limits };
		const update = () => this.#parts.store.updateCustomer(customer, changes, options);
		const updated = await writeInProject(this.#near.directory, projectId, update);
		if (typeof updated === "string") throw customerRefused(updated, limits);
		return updated;
	}

	async delete({ scope, audit }: Change): Promise<CustomerSummary> {
		const { clock, store } = this.#parts;
		const { directory, deletions } = this.#near;
		const customer = ofCustomer(scope);
		const { customerId, projectId } = customer;
		directory.project(projectId);
		const entry = auditEntry(this.#parts, audit, { objectId: customerId, projectId });
		const options = { at: clock.now(), draft: audit, entry };
		const begun = await writeInProject(directory, projectId, () => store.beginCustomerDeletion(customer, options));
		if (begun === null) throw customerNotFound();
		// From now on, sends that name the customer are refused, also those that wait for their commit.
		if (begun.version !== null) await directory.customerChanged(projectId, customerId, begun.version, true);
		deletions.begin({ projectId, customerId, draft: audit });
		return begun.customer;
	}

	pause(change: Change): Promise<{ readonly matched: number; readonly changed: number }> {
		return this.#each(change, (one, id) => this.#near.webhooks.pause(one, id));
	}

	/** Leaves out what is enabled, so that a call that comes again after the quota of changes was used up goes on where that one has ended. */
	resume(change: Change): Promise<{ readonly matched: number; readonly changed: number }> {
		return this.#each(
			change,
			(one, id) => this.#near.webhooks.resume(one, id),
			({ status }) => status !== "Enabled",
		);
	}

	/** Changes the customer's webhooks one after the other. Each change is a transaction with an audit entry of its own. */
	async #each(
		change: Change,
		act: (change: Change, webhookId: string) => Promise<Webhook>,
		isToChange: (webhook: KnownWebhook) => boolean = () => true,
	) {
		const { customerId, projectId } = ofCustomer(change.scope);
		await this.get(change.scope);
		this.#refuseIfDeleting({ customerId, projectId });
		const known = this.#near.directory.webhooksOf(projectId, customerId);
		let changed = 0;
		for (const { id, revision } of known.filter(isToChange)) {
			// oxlint-disable-next-line no-await-in-loop -- others' changes go on in between
			if ((await act(change, id)).revision !== revision) changed++;
		}
		return { matched: known.length, changed };
	}

	/** What is changed now would be gone soon. */
	#refuseIfDeleting({ projectId, customerId }: Pick<CustomerScope, "projectId" | "customerId">): void {
		if (this.#near.directory.isDeleting(projectId, customerId)) throw customerBeingDeleted(customerId, null);
	}
}

/** Calls about one customer are made in its scope. */
function ofCustomer(scope: Scope): CustomerScope {
	if (scope.kind === "project") throw customerNotFound();
	return scope;
}

/** The error for a change that the store has refused. */
function customerRefused(
	refusal: CustomerRefusal,
	{ maxCustomers, maxCustomerBytes }: KeptCustomerLimits,
): FanfareError {
	return new FanfareError(
		refusal,
		refusal === "too_many_customers"
			? `A project keeps a name or metadata for at most ${counted(maxCustomers, "customer")}. Delete customers that are no longer needed or set their name to null and their metadata to {}, or ask the server's operator to raise FANFARE_MAX_CUSTOMERS.`
			: `The names and the metadata of a project's customers take at most ${maxCustomerBytes} bytes together. Shorten them, delete customers that are no longer needed, or ask the server's operator to raise FANFARE_MAX_CUSTOMER_BYTES.`,
	);
}
