// The slice for customers: their names and metadata, and how many webhooks they have.
import type { AuditDraft, AuditEntry } from "../../core/access/audit.ts";
import type { Customer, KeptCustomerLimits, CustomerRefusal } from "../../core/access/customer.ts";
import type { CustomerScope, Scope } from "../../core/access/principal.ts";
import type { Page, PageRequest } from "../../core/page.ts";

/** How far the deletion of a customer is. */
export interface CustomerDeletion {
	readonly startDate: number;
	/** Webhooks of which something is left, among them those that were deleted earlier. */
	readonly webhooksLeft: number;
	/** Webhooks of which nothing is left. */
	readonly webhookCount: number;
	/** Deliveries to webhooks of the customer that keep no response any more. */
	readonly deliveryCount: number;
	/** Payloads that were erased. */
	readonly eventCount: number;
}

/** A customer that is being deleted. */
export interface DeletingCustomer {
	readonly projectId: string;
	readonly customerId: string;
	/** Who has asked for it; null if that leaves no audit entries. */
	readonly draft: AuditDraft | null;
}

/** What a step of a deletion has done, or what has to happen before the next one. */
export type CustomerDeletionStep =
	/** This webhook must be deleted. */
	| { readonly kind: "webhook"; readonly webhookId: string }
	/** Deliveries of this webhook, which is deleted, still wait: it must be swept. */
	| { readonly kind: "waiting"; readonly webhookId: string }
	/** Something was erased. */
	| {
			readonly kind: "erased";
			/** The ids of deliveries that were cancelled, since the payload of their event was erased. */
			readonly cancelled: readonly string[];
			/** Whether a webhook belongs to nobody any more. */
			readonly hasChangedWebhook: boolean;
	  }
	/** Nothing is left but what is kept of the customer itself. */
	| {
			readonly kind: "done";
			readonly webhookCount: number;
			readonly deliveryCount: number;
			readonly eventCount: number;
	  }
	/** There is no such deletion any more. */
	| { readonly kind: "over" };

/** A customer with the numbers of its webhooks that are not deleted. */
export interface CustomerSummary extends Customer {
	readonly webhookCount: number;
	/** The webhooks that were reported as failing, or have exhausted a delivery, and have had no success since. */
	readonly failingCount: number;
	/** Null unless it is being deleted. */
	readonly deletion: CustomerDeletion | null;
}

/** A change of a customer. A property that is omitted does not change. */
export interface CustomerChanges {
	readonly name?: string | null;
	readonly metadata?: Readonly<Record<string, string>>;
}

/** A customer is known from its first webhook or its first name on, also when it has no webhook any more. */
export interface CustomerStore {
	/**
	 * A page of a project's customers, sorted by id in ASCII order: "older" means further down. `text` selects those whose id or
	 * name contains it, in any case of ASCII letters; null selects all. A page can have fewer rows than `limit` although there are
	 * more.
	 */
	customers(
		scope: Scope,
		text: string | null,
		page: PageRequest,
	): Promise<Page<CustomerSummary & { readonly id: string }>>;
	customer(scope: CustomerScope): Promise<CustomerSummary | null>;
	/**
	 * Changes what is kept of a customer, who becomes known if it was not. Writes the audit entry if anything changes. Rejects with
	 * `store_conflict` if the project does not exist or is deleted.
	 *
	 * Changes nothing and returns why if what is kept of customers grows, and their project would then have more than `limits`. If another
	 * process changes customers of the project, too, that is known after a second at the latest.
	 */
	updateCustomer(
		scope: CustomerScope,
		changes: CustomerChanges,
		options: { readonly at: number; readonly entry: AuditEntry | null; readonly limits?: KeptCustomerLimits },
	): Promise<CustomerSummary | CustomerRefusal>;
	/**
	 * Begins the deletion of a customer, who is known, or for whom alone an event with a payload is. From then on no webhook of the
	 * customer is added. Writes the audit entry. Returns the customer with the project's new version; with null if it is being deleted
	 * already. Returns null if the customer is unknown. Rejects with `store_conflict` as `updateCustomer` does.
	 */
	beginCustomerDeletion(
		scope: CustomerScope,
		options: { readonly at: number; readonly draft: AuditDraft | null; readonly entry: AuditEntry | null },
	): Promise<{ readonly customer: CustomerSummary; readonly version: number | null } | null>;
	/**
	 * Makes the next step of a deletion, in one transaction of about `limit` rows: first the webhooks, whose responses, texts and
	 * secrets are removed and which then belong to nobody, then the payloads of events that are for this customer alone, as
	 * `erasePayload` does, with this reason.
	 */
	stepCustomerDeletion(
		scope: CustomerScope,
		options: { readonly limit: number; readonly reason: string; readonly at: number },
	): Promise<CustomerDeletionStep>;
	/**
	 * Ends a deletion of which nothing is left: the customer is not known any more, and may come back. What is kept of its relays
	 * besides their webhooks goes, too. It is synced, and with it all steps before. Writes the audit entry. Returns the project's version; null if there is no such deletion, or the project is deleted.
	 */
	endCustomerDeletion(scope: CustomerScope, entry: AuditEntry | null): Promise<number | null>;
	/** The customers of a project (null: of all) that are being deleted. */
	deletingCustomers(projectId: string | null): Promise<readonly DeletingCustomer[]>;
}
