// S9: one customer: their webhooks and deliveries, pausing and resuming all, and links to the portal.
import type { Customer, Webhook } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { Numbers } from "../../parts/chart/numbers.tsx";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { FactsShape, ItemsShape, Loading, NumbersShape } from "../../parts/feedback/skeletons.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { addressOf, count, counted, share } from "../../parts/text/format.ts";
import { WebhookStateBadge } from "../../parts/text/state.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { customerQuery, customerStatsQuery, useCustomerChange } from "../customers/queries.ts";
import { deliveryColumns } from "../deliveries/delivery-columns.tsx";
import { deliveriesQuery } from "../deliveries/queries.ts";
import { customerWebhooksQuery, useCustomerWebhooks } from "../webhooks/queries.ts";
import { About } from "./about.tsx";
import { PortalLinks } from "./portal-links.tsx";

const route = getRouteApi("/$projectId/customers/$customerId");
const LATEST = 10;
const ALL = "all webhooks";

export function CustomerScreen() {
	const { customerId } = route.useParams();
	const project = useProject();
	const { data: customer, error, refetch } = useQuery(customerQuery(project, customerId));
	return (
		<>
			<PageHead
				title={customer?.name ?? customerId}
				back={
					<Link className="link" to="/$projectId/customers" params={{ projectId: project.id }} search={{}}>
						‹ Customers
					</Link>
				}
				actions={customer !== undefined && <Actions customer={customer} />}
			/>
			{error !== null && <Problem error={error} what="The customer could not be loaded" onRetry={refetch} />}
			{customer === undefined && error === null && (
				<Loading label="the customer">
					<NumbersShape count={5} />
					<div className="beside">
						<ItemsShape items={4} />
						<FactsShape facts={4} />
					</div>
				</Loading>
			)}
			{customer !== undefined && <Loaded customer={customer} />}
		</>
	);
}

function Loaded({ customer }: { readonly customer: Customer }) {
	const { id: projectId } = useProject();
	return (
		<>
			<Summary customer={customer} />
			<div className="beside">
				<div className="stack">
					<Webhooks customerId={customer.id} />
					<LatestDeliveries customerId={customer.id} />
				</div>
				<div className="stack">
					<About key={`${projectId} ${customer.id}`} customer={customer} />
					<PortalLinks customerId={customer.id} />
				</div>
			</div>
		</>
	);
}

function Summary({ customer }: { readonly customer: Customer }) {
	const { data: stats, error, refetch } = useQuery(customerStatsQuery(useProject(), customer.id));
	if (stats === undefined) {
		if (error === null) {
			return (
				<Loading label="the last 24 hours">
					<NumbersShape count={5} />
				</Loading>
			);
		}
		return <Problem error={error} what="The last 24 hours could not be loaded" onRetry={refetch} />;
	}
	const { succeeded, exhausted } = stats.totals;
	const { Pending, Held, Failed } = stats.deliveries;
	return (
		<section className="card card-pad" aria-label="The last 24 hours">
			<Numbers
				items={[
					{
						name: "Succeeded, 24 h",
						value: share(succeeded, succeeded + exhausted),
						detail: `${count(succeeded)} of ${count(succeeded + exhausted)}`,
					},
					{ name: "Exhausted, 24 h", value: count(exhausted), ...(exhausted > 0 && { tone: "bad" as const }) },
					{ name: "Pending now", value: count(Pending) },
					{ name: "Held now", value: count(Held), ...(Held > 0 && { tone: "warn" as const }) },
					{ name: "Failed now", value: count(Failed) },
				]}
			/>
		</section>
	);
}

function Webhooks({ customerId }: { readonly customerId: string }) {
	const { id: projectId } = useProject();
	const { data, error, refetch } = useCustomerWebhooks(customerId);
	const webhooks = data?.webhooks;
	return (
		<section className="stack tight" aria-label="Webhooks of the customer">
			<h2 className="card-title">Webhooks</h2>
			{error !== null && <Problem error={error} what="Their webhooks could not be loaded" onRetry={refetch} />}
			{webhooks === undefined && error === null && (
				<TableSkeleton label="webhooks" columns={webhookColumns(projectId)} rows={2} lines={2} />
			)}
			{webhooks?.length === 0 && (
				<p className="card card-pad dim flat">None yet. They add one in the portal, or you do it for them.</p>
			)}
			{webhooks !== undefined && webhooks.length > 0 && (
				<Table
					label="Their webhooks"
					rows={webhooks}
					keyOf={({ id }) => id}
					columns={webhookColumns(projectId)}
					foot={data?.isWhole === false ? `Only the newest ${count(webhooks.length)} are shown.` : undefined}
				/>
			)}
		</section>
	);
}

function webhookColumns(projectId: string): Column<Webhook>[] {
	return [
		{ name: "State", width: "7rem", cell: (webhook) => <WebhookStateBadge webhook={webhook} /> },
		{
			name: "Webhook",
			width: "minmax(8rem, 2fr)",
			phone: "whole",
			cell: ({ id, name, endpoint }) => (
				<div>
					<div className="cut">
						<Link
							className="row-link"
							to="/$projectId/webhooks/$webhookId"
							params={{ projectId, webhookId: id }}
							search={{}}
						>
							{name}
						</Link>
					</div>
					<div className="cut dim mono">{addressOf(endpoint)}</div>
				</div>
			),
		},
		{
			name: "Failed",
			width: "4rem",
			isNumber: true,
			phone: "hide",
			cell: ({ deliveries }) =>
				deliveries.Failed === 0 ? (
					<span className="dim">–</span>
				) : (
					<span className="text-bad">{count(deliveries.Failed)}</span>
				),
		},
	];
}

function LatestDeliveries({ customerId }: { readonly customerId: string }) {
	const project = useProject();
	const { data, error, refetch } = useInfiniteQuery({
		...deliveriesQuery(project, { customer: customerId }, LATEST),
		staleTime: 0,
	});
	const rows = data?.pages[0]?.data;
	const columns = deliveryColumns({ projectId: project.id, isNarrow: true, filter: { customer: customerId } });
	return (
		<section className="stack tight" aria-label="Latest deliveries">
			<h2 className="card-title">Latest deliveries</h2>
			{error !== null && <Problem error={error} what="Their deliveries could not be loaded" onRetry={refetch} />}
			{rows === undefined && error === null && (
				<TableSkeleton label="deliveries" columns={columns} rows={4} lines={2} />
			)}
			{rows?.length === 0 && (
				<p className="card card-pad dim flat">None yet: send an event that names this customer.</p>
			)}
			{rows !== undefined && rows.length > 0 && (
				<Table
					label="Their latest deliveries"
					columns={columns}
					rows={rows}
					keyOf={({ id }) => id}
					foot={
						<Link
							className="link"
							to="/$projectId/deliveries"
							params={{ projectId: project.id }}
							search={{ customer: customerId }}
						>
							All their deliveries ›
						</Link>
					}
				/>
			)}
		</section>
	);
}

function Actions({ customer }: { readonly customer: Customer }) {
	const mayWrite = useMay("write");
	const { data } = useQuery(customerWebhooksQuery(useProject(), customer.id));
	const [isAsked, asked] = useDisclosure(false);
	const { webhooks = [], isWhole = true } = data ?? {};
	const on = webhooks.filter(({ status }) => status === "Enabled").length;
	const off = webhooks.length - on;
	// Of those that are not loaded, some may be on and some off.
	const pauseVerb = `Pause ${isWhole ? counted(on, "webhook") : ALL}`;
	const pause = useCustomerChange(
		({ customers }, id: string) => customers.pause(id),
		({ changed }, _, tell) => {
			tell(`Paused ${counted(changed, "webhook")}`);
			asked.close();
		},
	);
	const resume = useCustomerChange(
		({ customers }, id: string) => customers.resume(id),
		({ changed }, _, tell) => tell(`Resumed ${counted(changed, "webhook")}`),
	);
	if (!mayWrite) return null;
	return (
		<>
			{(off > 0 || !isWhole) && (
				<Button loading={resume.isPending} onClick={() => resume.mutate(customer.id)}>
					Resume {isWhole ? counted(off, "webhook") : ALL}
				</Button>
			)}
			{(on > 0 || !isWhole) && (
				<Button variant="default" onClick={asked.open}>
					{pauseVerb}…
				</Button>
			)}
			{resume.error !== null && <Problem error={resume.error} what="Not resumed" />}
			<Confirm
				isOpen={isAsked}
				title="Pause their webhooks?"
				verb={pauseVerb}
				isBusy={pause.isPending}
				error={pause.error}
				failed={`The webhooks of ${customer.name ?? customer.id} were not paused`}
				onConfirm={() => pause.mutateAsync(customer.id)}
				onClose={asked.close}
			>
				Deliveries to them are held, and sent when they are resumed. Nothing is lost.
			</Confirm>
		</>
	);
}
