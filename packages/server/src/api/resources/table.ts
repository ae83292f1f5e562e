// The table of all routes, in the order in which the documents show them.
import { docsRoutes } from "../documents/routes.ts";
import type { Route } from "../request/route.ts";
import { auditExportRoutes } from "./audit/export-routes.ts";
import { auditRoutes } from "./audit/routes.ts";
import { customerExportRoutes } from "./customers/export-routes.ts";
import { customerRoutes } from "./customers/routes.ts";
import { deliveryExportRoutes } from "./deliveries/export-routes.ts";
import { deliveryRoutes } from "./deliveries/routes.ts";
import { eventTypeRoutes } from "./event-types/routes.ts";
import { eventDataRoutes } from "./events/data-routes.ts";
import { eventExportRoutes } from "./events/export-routes.ts";
import { eventRoutes } from "./events/routes.ts";
import { eventRoutingRoutes } from "./events/routing-routes.ts";
import { keyRoutes } from "./keys/routes.ts";
import { operatorRoutes } from "./operators/routes.ts";
import { portalSessionRoutes } from "./portal-sessions/routes.ts";
import { projectRoutes } from "./projects/routes.ts";
import { relayRoutes } from "./relays/routes.ts";
import { replayRoutes } from "./replays/routes.ts";
import { sessionRoutes } from "./sessions/routes.ts";
import { statsRoutes } from "./stats/routes.ts";
import { streamRoutes } from "./stream/routes.ts";
import { conformRoutes } from "./webhooks/conform-route.ts";
import { webhookExportRoutes } from "./webhooks/export-routes.ts";
import { releaseRoutes } from "./webhooks/release-routes.ts";
import { webhookRoutes } from "./webhooks/routes.ts";
import { testRoutes } from "./webhooks/test-route.ts";
import { workspaceRoutes } from "./workspace/routes.ts";

/**
 * All routes of the API. Each call returns a new list, since the routes of the documents cache what they have rendered.
 */
export function apiRoutes(): readonly Route[] {
	const routes: Route[] = [
		...workspaceRoutes,
		...projectRoutes,
		...keyRoutes,
		...sessionRoutes,
		...webhookRoutes,
		...webhookExportRoutes,
		...testRoutes,
		...conformRoutes,
		...releaseRoutes,
		...eventTypeRoutes,
		...eventRoutes,
		...eventDataRoutes,
		...eventExportRoutes,
		...eventRoutingRoutes,
		...deliveryRoutes,
		...deliveryExportRoutes,
		...replayRoutes,
		...relayRoutes,
		...statsRoutes,
		...customerRoutes,
		...customerExportRoutes,
		...portalSessionRoutes,
		...streamRoutes,
		...auditRoutes,
		...auditExportRoutes,
		...operatorRoutes,
	];
	routes.push(...docsRoutes(routes));
	return routes;
}
