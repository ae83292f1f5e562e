// The compose files and the Kubernetes manifests: valid by their schemas, with nothing in them that the schemas do not know.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { findComposeSchema } from "./go-modules.ts";
import { documentsOf, problemsOf } from "./kubernetes.ts";
import { sayIfSkipped } from "./skipped.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = (path: string) => readFileSync(join(root, "deploy", path), "utf8");
const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as { version: string };

const schema = await findComposeSchema();
sayIfSkipped(schema);

describe("docker/compose.yaml", () => {
	const compose = parse(file("docker/compose.yaml")) as {
		services: { fanfare: { image: string; build: { context: string; dockerfile: string } } };
	};

	it.skipIf(schema.path === null)("is valid by the schema of the Compose specification", () => {
		const ajv = new Ajv2020({ strict: false, allowUnionTypes: true, validateFormats: false });
		const validate = ajv.compile(JSON.parse(readFileSync(schema.path!, "utf8")) as object);
		expect([validate(compose), validate.errors]).toEqual([true, null]);
		expect(validate({ ...compose, services: { fanfare: { imag: "x" } } })).toBe(false);
	});

	it("builds the image of this version from the root of the repository", () => {
		const { image, build } = compose.services.fanfare;
		expect(image).toBe(`fanfare:${version}`);
		expect(join("deploy/docker", build.context, build.dockerfile)).toBe("deploy/docker/Dockerfile");
	});
});

describe("kubernetes/fanfare.yaml", () => {
	const documents = documentsOf(file("kubernetes/fanfare.yaml"));

	it("is valid by the schemas of Kubernetes", async () => {
		expect(documents.map(({ kind }) => kind)).toEqual(["ServiceAccount", "Service", "StatefulSet"]);
		for (const document of documents) expect(await problemsOf(document)).toEqual([]);
	});

	it("is checked so that a wrong field, type or missing field is found", async () => {
		const set = documents[2]!;
		const spec = set["spec"] as object;
		expect(await problemsOf({ ...set, spec: { ...spec, replica: 1 } })).toEqual(["unknown field spec.replica"]);
		expect(await problemsOf({ ...set, spec: { ...spec, replicas: "one" } })).toEqual([
			expect.stringContaining("replicas"),
		]);
		expect(await problemsOf({ ...set, spec: { ...spec, template: undefined } })).toEqual([
			expect.stringContaining("template"),
		]);
	});

	it("runs the image of this version", () => {
		expect(JSON.stringify(documents[2])).toContain(`"image":"fanfare:${version}"`);
	});
});

describe("kubernetes/fanfare-cluster.yaml", () => {
	interface Container {
		securityContext: object;
		image: string;
		lifecycle?: unknown;
		env: readonly { name: string; value: string }[];
	}
	interface Labelled {
		metadata: { name: string; labels: object };
		spec: {
			selector: object & { matchLabels?: object };
			template: {
				metadata: { labels: object };
				spec: { terminationGracePeriodSeconds: number; containers: readonly [Container] };
			};
		};
	}
	const documents = documentsOf(file("kubernetes/fanfare-cluster.yaml"));
	const all = documents as unknown as readonly (Labelled & { kind: string })[];
	const [api, worker] = all.filter(({ kind }) => kind === "Deployment");

	it("is valid by the schemas of Kubernetes", async () => {
		expect(documents.map(({ kind }) => kind)).toEqual([
			"ServiceAccount",
			"Service",
			"PodDisruptionBudget",
			"PodDisruptionBudget",
			"Deployment",
			"Deployment",
		]);
		for (const document of documents) expect(await problemsOf(document)).toEqual([]);
	});

	it("leads calls to the pods that take them, and keeps the pods of each role apart", () => {
		const labels = (role: string) => ({ "app.kubernetes.io/name": "fanfare", "app.kubernetes.io/component": role });
		expect(all.find(({ kind }) => kind === "Service")?.spec.selector).toEqual(labels("api"));
		for (const [deployment, role] of [
			[api, "api"],
			[worker, "worker"],
		] as const) {
			expect(deployment?.metadata.name).toBe(`fanfare-${role}`);
			expect(deployment?.spec.selector.matchLabels).toEqual(labels(role));
			expect(deployment?.spec.template.metadata.labels).toEqual(labels(role));
			expect(deployment?.spec.template.spec.containers[0].env).toContainEqual({ name: "FANFARE_ROLE", value: role });
		}
		const budgets = all.filter(({ kind }) => kind === "PodDisruptionBudget");
		expect(budgets.map(({ spec }) => spec.selector.matchLabels)).toEqual([labels("api"), labels("worker")]);
	});

	it("has pods like the one with a volume, and gives them time to be taken out of the service before they stop", () => {
		const single = (documentsOf(file("kubernetes/fanfare.yaml"))[2] as unknown as Labelled).spec.template.spec;
		for (const deployment of [api, worker]) {
			const [container] = deployment!.spec.template.spec.containers;
			expect(container.image).toBe(`fanfare:${version}`);
			expect(container.securityContext).toEqual(single.containers[0].securityContext);
		}
		const pods = api!.spec.template.spec;
		expect(pods.containers[0].lifecycle).toEqual({ preStop: { exec: { command: ["sleep", "5"] } } });
		expect(pods.terminationGracePeriodSeconds).toBe(single.terminationGracePeriodSeconds + 5);
		expect(worker!.spec.template.spec.terminationGracePeriodSeconds).toBe(single.terminationGracePeriodSeconds);
	});
});
