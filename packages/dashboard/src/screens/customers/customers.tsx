// S9: whom webhooks belong to.
import type { Customer } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";

import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { FilterText } from "../../parts/form/filter-text.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { count } from "../../parts/text/format.ts";
import { Time } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { useTriageKeys } from "../deliveries/use-triage-keys.ts";
import { AddCustomer } from "./add-customer.tsx";
import { customersQuery } from "./queries.ts";

const route = getRouteApi("/$projectId/customers");

export function CustomersScreen() {
	const project = useProject();
	const mayWrite = useMay("write");
	const navigate = route.useNavigate();
	const { q, form } = route.useSearch();
	const list = usePages(customersQuery(project, q));
	const { rows, error } = list;
	const { refetch, hasNextPage } = list.query;
	const current = useTriageKeys({ ids: rows?.map(({ id }) => id) ?? [], list: list.key });
	const open = (form: "new" | undefined) => void navigate({ search: (search) => ({ ...search, form }) });
	const add = (
		<Button leftSection={<Icon name="plus" size={16} />} onClick={() => open("new")}>
			Add a customer
		</Button>
	);
	return (
		<>
			<PageHead title="Customers" actions={mayWrite && add} />
			<div className="bar" role="search" aria-label="Customers">
				<FilterText
					isFirst
					label="Search customers"
					placeholder="Part of an id or a name"
					value={q}
					onChange={(q) => void navigate({ search: (search) => ({ ...search, q }) })}
				/>
			</div>
			{error !== null && <Problem error={error} what="The customers could not be loaded" onRetry={refetch} />}
			{rows === undefined && error === null && <TableSkeleton label="customers" columns={columnsOf(project.id)} />}
			{rows?.length === 0 && !hasNextPage && q === undefined && (
				<Empty icon="user" title="No customer yet" actions={mayWrite && add}>
					A webhook can belong to a customer of yours. They then get only their own events, and can look after their
					webhooks themselves in the portal. A customer appears here with their first webhook, or when you name them.
				</Empty>
			)}
			{rows?.length === 0 && !hasNextPage && q !== undefined && (
				<Empty
					icon="search"
					title="No customer matches"
					actions={
						<Button variant="default" onClick={() => void navigate({ search: {} })}>
							Show all
						</Button>
					}
				>
					No id and no name contains “{q}”.
				</Empty>
			)}
			{rows !== undefined && (rows.length > 0 || hasNextPage) && (
				<Table
					label="Customers"
					columns={columnsOf(project.id)}
					rows={rows}
					keyOf={({ id }) => id}
					current={current}
					near={list.near}
					foot={<ListFoot key={list.key} list={list} shown={rows.length} more="Show more" />}
				/>
			)}
			{mayWrite && form === "new" && <AddCustomer onClose={() => open(undefined)} />}
		</>
	);
}

function columnsOf(projectId: string): Column<Customer>[] {
	return [
		{
			name: "Customer",
			width: "minmax(10rem, 2fr)",
			phone: "whole",
			cell: ({ id, name }) => (
				<div>
					<div className="cut">
						<Link
							className="row-link"
							to="/$projectId/customers/$customerId"
							params={{ projectId, customerId: id }}
							data-row={id}
						>
							{name ?? id}
						</Link>
					</div>
					{name !== null && <div className="cut dim mono">{id}</div>}
				</div>
			),
		},
		{
			name: "Webhooks",
			width: "8rem",
			cell: ({ webhooks: { total } }) =>
				total === 0 ? (
					<span className="dim">no webhook</span>
				) : (
					<span className="num">{`${count(total)} ${total === 1 ? "webhook" : "webhooks"}`}</span>
				),
		},
		{
			name: "With failures",
			width: "9.5rem",
			cell: ({ webhooks: { failing } }) =>
				failing === 0 ? (
					<span className="dim none">–</span>
				) : (
					<span
						className="state bad"
						title="They fail steadily, or deliveries to them have failed since their last success"
					>
						✗ {count(failing)} with failures
					</span>
				),
		},
		{ name: "Since", width: "9rem", phone: "hide", cell: ({ createDate }) => <Time at={createDate} /> },
	];
}
