// The refusals of changes of deliveries by hand.
import { MAX_RETRIES_BY_HAND, type Delivery, type DeliveryStatus } from "../../../core/delivery.ts";
import { FanfareError } from "../../../core/errors.ts";

/** The refusal of a retry beyond the limit of a delivery. */
export function tooManyRetries(): FanfareError {
	return new FanfareError(
		"too_many_retries",
		`The delivery has been retried by hand ${MAX_RETRIES_BY_HAND} times, and it can't be retried more often. To send ` +
			"the event to the webhook again, replay it: a replay makes a new delivery.",
	);
}

/** The refusal of a change that the status of the delivery does not allow; `how` says which, such as "retried". */
export function notChangeable({ status }: Delivery, how: string, changeable: readonly DeliveryStatus[]): FanfareError {
	const statuses = `${changeable.slice(0, -1).join(", ")} and ${changeable.at(-1)}`;
	return new FanfareError(
		"delivery_not_changeable",
		`A delivery that is ${status} can't be ${how}. Only ${statuses} deliveries can.`,
	);
}
