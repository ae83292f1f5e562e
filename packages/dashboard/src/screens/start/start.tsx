// The start: leads to the project, or lets you choose one.
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";

import { Problem } from "../../parts/feedback/problem.tsx";
import { Logo } from "../../parts/layout/logo.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { projectsQuery, useConnection } from "../../session/caller.ts";

export function StartScreen() {
	const { data: projects, error, refetch } = useQuery(projectsQuery(useConnection()));
	const [first, second] = projects ?? [];
	if (first !== undefined && second === undefined) {
		return <Navigate to="/$projectId" params={{ projectId: first.id }} replace />;
	}
	return (
		<main className="center">
			<div className="stack narrow">
				<Logo size={40} />
				<PageHead title="Projects" />
				{error !== null && <Problem error={error} what="The projects could not be loaded" onRetry={refetch} />}
				{projects?.length === 0 && (
					<p className="dim">
						There is no project yet. Create one with POST /workspace/projects, and reload this page.
					</p>
				)}
				<ul className="card choices">
					{projects?.map(({ id, name }) => (
						<li key={id}>
							<Link to="/$projectId" params={{ projectId: id }}>
								<strong>{name}</strong> <span className="mono dim">{id}</span>
							</Link>
						</li>
					))}
				</ul>
			</div>
		</main>
	);
}
