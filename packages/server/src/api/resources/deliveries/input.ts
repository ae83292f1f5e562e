// The filters of a request, in the form that the store takes.
import type { DeliveryFilter } from "../../../ports/store/log.ts";

type FilterInput = { readonly [Name in keyof DeliveryFilter]?: DeliveryFilter[Name] | undefined };

/** The filter for the store: a filter that was omitted becomes null. */
export function deliveryFilter(input: FilterInput): DeliveryFilter {
	const { webhookId = null, eventId = null, eventType = null, status = null, responseCode = null } = input;
	const { after = null, before = null } = input;
	return { webhookId, eventId, eventType, status, responseCode, after, before };
}
