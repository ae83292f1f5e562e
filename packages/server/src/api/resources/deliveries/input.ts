// The filters and pages of a request, in the form that the store takes.
import { narrowed, type Scope } from "../../../core/access/principal.ts";
import type { DeliveryStatus } from "../../../core/delivery.ts";
import { invalidRequest, type Issue } from "../../../core/errors.ts";
import { causesOfError, type AttemptCause, type AttemptErrorName } from "../../../core/log/attempt-cause.ts";
import { decodeCursor, encodeCursor, PAGE_LIMIT, parseChangePosition, type PageRequest } from "../../../core/page.ts";
import type { ChangeFilter, ChangingStatus, CodeRange, DeliveryFilter } from "../../../ports/store/log.ts";

/** The filters as a query or a body has them: one that is omitted is missing. */
type FilterInput = {
	readonly [Name in "webhookId" | "customerId" | "eventId" | "tag"]?: string | undefined;
} & {
	readonly [Name in "after" | "before" | "updatedAfter" | "updatedBefore"]?: number | undefined;
} & {
	readonly eventType?: readonly string[] | undefined;
	readonly status?: readonly DeliveryStatus[] | undefined;
	readonly responseCode?: readonly CodeRange[] | undefined;
	readonly error?: readonly AttemptErrorName[] | undefined;
	readonly cause?: readonly AttemptCause[] | undefined;
};

/** The filter for the store: a filter that was omitted becomes null. */
export function deliveryFilter(input: FilterInput): DeliveryFilter {
	const { webhookId = null, customerId = null, eventId = null, after = null, before = null } = input;
	const { tag = null, updatedAfter = null, updatedBefore = null } = input;
	return {
		webhookId,
		customerId,
		eventId,
		tag,
		eventTypes: input.eventType ?? null,
		statuses: input.status ?? null,
		responseCodes: input.responseCode ?? null,
		causes: causesOf(input),
		after,
		before,
		updatedAfter,
		updatedBefore,
	};
}

/** The causes that both `error` and `cause` let through. */
function causesOf({ error, cause }: FilterInput): readonly AttemptCause[] | null {
	if (error === undefined) return cause ?? null;
	const ofErrors = error.flatMap(causesOfError);
	return cause === undefined ? ofErrors : cause.filter((one) => ofErrors.includes(one));
}

/**
 * The scope of a call that can name a customer. Only somebody who acts for a customer gets that scope, and may name no other: a
 * key filters by customer, and goes on to see deliveries of internal types.
 */
export function withinScope(scope: Scope, { customerId }: { readonly customerId?: string | undefined }): Scope {
	return scope.kind === "customer" ? narrowed(scope, customerId ?? null) : scope;
}

type ChangeQuery = FilterInput & {
	readonly limit?: number | undefined;
	readonly page?: string | undefined;
};

/**
 * The filter and the page of a list in the order of changes. Throws `invalid_request` for filters that it can't have, and
 * `invalid_cursor` if `page` is not a cursor of such a list.
 */
export function changeListRequest(query: ChangeQuery): { filter: ChangeFilter; request: PageRequest } {
	const { limit = PAGE_LIMIT.default, page } = query;
	const isCursor = (id: string) => parseChangePosition(id) !== null;
	const issues: Issue[] = [];
	for (const path of ["eventId", "after", "before"] as const) {
		if (query[path] !== undefined)
			issues.push({ path, message: "can't be used with order=updated; remove one of the two" });
	}
	const [first, ...others] = (query.status ?? []).filter((status): status is ChangingStatus => status !== "Succeeded");
	if (first === undefined || query.status?.includes("Succeeded") === true) {
		const message = "must be one or several of Pending, Failed, Held and Cancelled with order=updated";
		throw invalidRequest([{ path: "status", message }, ...issues]);
	}
	if (issues.length > 0) throw invalidRequest(issues);
	const cursor = page === undefined ? null : decodeCursor(page, isCursor);
	const { eventId: _eventId, after: _after, before: _before, ...filter } = deliveryFilter(query);
	return { filter: { ...filter, statuses: [first, ...others] }, request: { limit, cursor } };
}

/** Where a change of many deliveries goes on. Throws `invalid_cursor` if `page` is not that of such a change. */
export function goesOnAt({ page }: { readonly page?: string | undefined }): string | null {
	return page === undefined ? null : decodeCursor(page, (id) => parseChangePosition(id) !== null).id;
}

/** The same as text for the next call. */
export function nextPageOf(goesOnAt: string | null): string | null {
	return goesOnAt === null ? null : encodeCursor({ direction: "older", id: goesOnAt });
}

/** The number of an attempt, which is its cursor. */
const NUMBER_PATTERN = /^[1-9][0-9]{0,8}$/;

/** The page of attempts that a query asks for. Throws `invalid_cursor` if `page` is not a cursor of such a list. */
export function attemptPageRequest(query: {
	readonly limit?: number | undefined;
	readonly page?: string | undefined;
}): PageRequest {
	const { limit = PAGE_LIMIT.default, page } = query;
	return { limit, cursor: page === undefined ? null : decodeCursor(page, (id) => NUMBER_PATTERN.test(id)) };
}
