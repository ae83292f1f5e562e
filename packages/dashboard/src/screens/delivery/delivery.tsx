// S6: one delivery, on a screen of its own.
import { getRouteApi, Link } from "@tanstack/react-router";

import { filterPart } from "../../app/search.ts";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { idEnd } from "../../parts/text/format.ts";
import { DeliveryPanel } from "./delivery-panel.tsx";
import { Neighbours } from "./neighbours.tsx";

const route = getRouteApi("/$projectId/deliveries/$deliveryId");

export function DeliveryScreen() {
	const { deliveryId } = route.useParams();
	const search = route.useSearch();
	const filter = filterPart(search);
	const back = (
		<Link className="link" from="/$projectId/deliveries/$deliveryId" to="/$projectId/deliveries" search={filter}>
			‹ Deliveries
		</Link>
	);
	return (
		<>
			<PageHead
				title={`Delivery ${idEnd(deliveryId)}`}
				back={back}
				actions={<Neighbours deliveryId={deliveryId} filter={filter} />}
			/>
			<DeliveryPanel deliveryId={deliveryId} search={search} />
		</>
	);
}
