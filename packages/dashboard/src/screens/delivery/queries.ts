// One delivery with its attempts, and the body that was sent.
import type { ProjectHandle } from "@fanfare/sdk";
import { queryOptions } from "@tanstack/react-query";

export function deliveryQuery(project: ProjectHandle, deliveryId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "delivery", deliveryId],
		queryFn: ({ signal }) => project.deliveries.get(deliveryId, { signal }),
		// A delivery that waits is looked at again even if the stream is lost.
		refetchInterval: ({ state }) => (state.data?.status === "Pending" ? 10_000 : false),
	});
}

/** The body as text, byte for byte. An event never changes. */
export function bodyQuery(project: ProjectHandle, eventId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "body", eventId],
		queryFn: ({ signal }) => project.events.getData(eventId, { as: "body" }, { signal }),
		staleTime: Number.POSITIVE_INFINITY,
	});
}
