// The compose files and the Kubernetes manifests: valid by their schemas, with nothing in them that the schemas do not know.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { readConfig } from "@fanfare/server";
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
	const documents = documentsOf(file("kubernetes/fanfare-cluster.yaml"));

	it("is valid by the schemas of Kubernetes", async () => {
		expect(documents.map(({ kind }) => kind)).toEqual([
			"ServiceAccount",
			"Service",
			"PodDisruptionBudget",
			"Deployment",
		]);
		for (const document of documents) expect(await problemsOf(document)).toEqual([]);
	});

	it("has pods like the one with a volume, and gives them time to be taken out of the service before they stop", () => {
		interface Pods {
			spec: { template: { spec: PodSpec } };
		}
		interface PodSpec {
			terminationGracePeriodSeconds: number;
			containers: readonly [{ securityContext: object; image: string; lifecycle?: unknown }];
		}
		const podsOf = (object: unknown) => (object as Pods).spec.template.spec;
		const pods = podsOf(documents[3]);
		const single = podsOf(documentsOf(file("kubernetes/fanfare.yaml"))[2]);
		const [container] = pods.containers;
		expect(container.image).toBe(`fanfare:${version}`);
		expect(container.securityContext).toEqual(single.containers[0].securityContext);
		expect(container.lifecycle).toEqual({ preStop: { exec: { command: ["sleep", "5"] } } });
		expect(pods.terminationGracePeriodSeconds).toBe(single.terminationGracePeriodSeconds + 5);
	});
});
