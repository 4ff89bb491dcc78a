import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** Files in PEM. */
export type Certificates = { ca: string; cert: string; key: string; remove(): Promise<void> };

/** An authority and a certificate of it for 127.0.0.1, with openssl. `undefined` when there is no openssl on PATH. */
export async function makeCertificates(): Promise<Certificates | undefined> {
  const directory = await mkdtemp(path.join(tmpdir(), "dripline-test-certificates-"));
  const file = (name: string) => path.join(directory, name);
  const openssl = (...args: string[]) => promisify(execFile)("openssl", args);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    await openssl(
      ...["req", "-x509", ...newKey, "-days", "2", "-subj", "/CN=test authority"],
      ...["-keyout", file("ca.key"), "-out", file("ca.pem")],
    );
    await openssl(
      ...[
        "req",
        "-new",
        ...newKey,
        "-subj",
        "/CN=127.0.0.1",
        "-keyout",
        file("server.key"),
        "-out",
        file("server.csr"),
      ],
    );
    await writeFile(file("names"), "subjectAltName=IP:127.0.0.1\n");
    await openssl(
      ...[
        "x509",
        "-req",
        "-in",
        file("server.csr"),
        "-days",
        "2",
        "-extfile",
        file("names"),
        "-out",
        file("server.pem"),
      ],
      ...["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial"],
    );
  } catch (error) {
    await rm(directory, { recursive: true });
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return {
    ca: file("ca.pem"),
    cert: file("server.pem"),
    key: file("server.key"),
    remove: () => rm(directory, { recursive: true }),
  };
}
