import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { loadSettings } from '#platform/config/settings.js'
import { VARIABLES } from '#platform/config/variables.js'
import { ROOT } from './source-files.js'
import { unreadIn } from './unread-properties.js'

// biome-ignore lint/suspicious/noExplicitAny: what is in a manifest is what these tests find out
type Manifest = any

const FOLDER = join(ROOT, 'deploy/kubernetes')
/** The one is kustomize's, the other a chart's: Kubernetes has no schema for them. */
const NOT_KUBERNETES = ['kustomization.yaml', 'prometheus-adapter.yaml']
const read = (name: string): Manifest[] =>
  parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8')).map((document) => document.toJS())
const files = readdirSync(FOLDER).filter((name) => !NOT_KUBERNETES.includes(name))
const manifests = files.flatMap((file) => read(file).map((manifest) => ({ file, manifest })))
const named = (kind: string, name: string): Manifest =>
  manifests.find(({ manifest }) => manifest.kind === kind && manifest.metadata.name === name)!.manifest
const ofKind = (kind: string): Manifest[] =>
  manifests.map(({ manifest }) => manifest).filter((manifest) => manifest.kind === kind)

const deployments = ofKind('Deployment')
const podsOf = (manifest: Manifest) => manifest.spec.template.spec
const pods = [...deployments, ...ofKind('Job')].map((manifest) => [manifest.metadata.name, podsOf(manifest)])
const componentOf = (manifest: Manifest) => manifest.metadata.labels['app.kubernetes.io/component']

describe('deploy/kubernetes', () => {
  it.each(manifests.map(({ file, manifest }) => [file, manifest.kind, manifest.metadata.name, manifest]))(
    '%s: %s %s is what Kubernetes takes, with no property that it does not know',
    async (_file, kind, _name, manifest) => {
      const { [kind]: Model } = await import(`kubernetes-models/${manifest.apiVersion}/${kind}`)
      const { watched, unread } = unreadIn(manifest)
      expect(() => new Model(watched).validate()).not.toThrow()
      expect(unread()).toEqual([])
    },
  )

  it('lists every file in kustomization.yaml, but for the example of the secret', () => {
    const { resources } = parse(readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8'))
    expect([...resources].sort()).toEqual(files.filter((name) => name !== 'secret.example.yaml').sort())
  })

  it.each(pods)('lets %s run as nobody in particular, who writes nowhere and gains nothing', (_name, pod) => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(pod.automountServiceAccountToken).toBe(false)
    for (const { securityContext, resources } of pod.containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(resources).toMatchObject({ requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } })
    }
  })

  it.each(deployments.map((each) => [componentOf(each), each]))(
    'gives the %s a configuration that it starts with, and no variable that Mandate does not read',
    (_component, deployment) => {
      const [container] = podsOf(deployment).containers
      const ours = { ...named('ConfigMap', 'mandate').data, ...environmentOf(container) }
      expect(Object.keys(ours).filter((name) => !(name in VARIABLES))).toEqual([])
      const { MANDATE_ENCRYPTION_KEYS_FILE: _mounted, ...environment } = ours
      const keys = { MANDATE_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` }
      const { operator, http } = loadSettings('service', { NODE_ENV: 'production', ...environment, ...keys })
      expect(http.publicUrl.protocol).toBe('https:')
      expect(container.ports).toContainEqual({ name: 'operator', containerPort: operator.port })
    },
  )

  it('asks each process for its health where it answers', () => {
    for (const deployment of deployments) {
      const [container] = podsOf(deployment).containers
      const asked = [container.startupProbe, container.readinessProbe, container.livenessProbe]
      expect(asked.map(({ httpGet }) => httpGet.path)).toEqual(['/health/ready', '/health/ready', '/health/live'])
      const [port] = new Set(asked.map(({ httpGet }) => httpGet.port))
      const { containerPort } = container.ports.find(({ name }: { name: string }) => name === port)
      const health = environmentOf(container).MANDATE_WORKER_HEALTH_PORT ?? '8080'
      expect(String(containerPort)).toBe(health)
    }
  })

  it('gives a process longer to stop than what it has in hand may take', () => {
    const { callbacks, providers } = loadSettings('standalone', {})
    const inHand = (callbacks.totalTimeoutMs + providers.timeoutMs) / 1000
    for (const deployment of deployments)
      expect(podsOf(deployment).terminationGracePeriodSeconds).toBeGreaterThan(inHand)
  })

  it('mounts the keys where Mandate reads them, from the secret that the example describes', () => {
    const { MANDATE_ENCRYPTION_KEYS_FILE: path } = named('ConfigMap', 'mandate').data
    for (const deployment of deployments) {
      const { containers, volumes } = podsOf(deployment)
      const mount = containers[0].volumeMounts.find(({ name }: { name: string }) => name === 'keys')
      const { secret } = volumes.find(({ name }: { name: string }) => name === 'keys')
      expect(`${mount.mountPath}/${secret.items[0].path}`).toBe(path)
      expect(Object.keys(named('Secret', secret.secretName).stringData)).toContain(secret.items[0].key)
    }
  })

  it('takes every secret from a secret, and every one of them is in the example', () => {
    for (const pod of pods.map(([, each]) => each)) {
      for (const { name, value, valueFrom } of pod.containers[0].env) {
        const isSecret = 'secret' in VARIABLES[name as keyof typeof VARIABLES]
        expect({ name, written: isSecret && value !== undefined }).toEqual({ name, written: false })
        const reference = valueFrom?.secretKeyRef
        if (reference) expect(Object.keys(named('Secret', reference.name).stringData)).toContain(reference.key)
      }
    }
  })

  it.each(deployments.map((each) => [componentOf(each), each]))(
    'lets at most one %s be taken away at a time, and adds and removes them by what they have to do',
    (_component, deployment) => {
      const { name } = deployment.metadata
      const budget = named('PodDisruptionBudget', name)
      expect(budget.spec.selector).toEqual(deployment.spec.selector)
      expect(budget.spec.maxUnavailable).toBe(1)
      const scaler = named('HorizontalPodAutoscaler', name)
      expect(scaler.spec.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name })
      expect(scaler.spec.minReplicas).toBeGreaterThan(1)
      // Else each apply would undo what the autoscaler has found out.
      expect(deployment.spec.replicas).toBeUndefined()
    },
  )

  it('adds workers by a metric that there is', () => {
    const [metric] = named('HorizontalPodAutoscaler', 'mandate-worker').spec.metrics
    const adapter = parse(readFileSync(join(FOLDER, 'prometheus-adapter.yaml'), 'utf8'))
    expect(metric.external.metric.name).toBe('mandate_queue_age_seconds')
    expect(adapter.rules.external.map(({ name }: { name: { as: string } }) => name.as)).toContain(
      metric.external.metric.name,
    )
  })

  it('shuts every door before it opens some, and leaves the operator’s port to monitoring', () => {
    const policies = ofKind('NetworkPolicy')
    expect(policies[0].spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
    const { operator } = loadSettings('standalone', {
      MANDATE_OPERATOR_PORT: named('ConfigMap', 'mandate').data.MANDATE_OPERATOR_PORT,
    })
    const rules = policies.flatMap(({ metadata, spec }) =>
      (spec.ingress ?? []).map((rule: Manifest) => ({ name: metadata.name, ...rule })),
    )
    const toOperator = rules.filter(({ ports }) => ports.some(({ port }: { port: number }) => port === operator.port))
    expect(toOperator.map(({ name }) => name)).toEqual(['monitoring-to-operator'])
    const [service] = ofKind('Service')
    expect(service.spec.ports.map(({ targetPort }: { targetPort: string }) => targetPort)).toEqual(['http'])
  })
})

/** What comes from a secret has here the shape that its variable wants. */
const SOME: Record<string, string> = {
  DATABASE_URL: 'postgres://mandate:x@postgres/mandate',
  REDIS_URL: 'rediss://redis:6379',
  MANDATE_ADMIN_KEY: 'a'.repeat(32),
}

function environmentOf(container: Manifest): Record<string, string> {
  const given = container.env.map(({ name, value }: { name: string; value?: string }) => [name, value ?? SOME[name]])
  return Object.fromEntries(given)
}
