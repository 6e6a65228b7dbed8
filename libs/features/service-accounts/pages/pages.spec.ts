import { askerOf } from '#platform/pages/asker.js'
import { renderPage } from '#platform/pages/document.js'
import { checkPage } from './check.page.js'
import { Decision } from './decision.page.js'
import { ORDINARY, samplePages } from './sample-pages.js'
import { mayDo, mayNotDo } from './what-it-may-do.js'

const frame = {
  requestId: 'req_1',
  brokerHost: 'connect.mandate.test',
  stylesheet: '/a.css',
  script: '/a.js',
  icon: '/a.svg',
}

/** What somebody might register as a name, call an organisation, or be called. */
const NASTY = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  `' onmouseover='alert(1)`,
  '" onfocus="alert(1)" autofocus="',
  '</title><script>alert(1)</script>',
  '</textarea><img src=x onerror=alert(1)>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<a href="javascript:alert(1)">Google</a>',
  '<iframe src="https://evil.test">',
  '<style>body{display:none}</style>',
  '<meta http-equiv="refresh" content="0;url=https://evil.test">',
  '<base href="https://evil.test/">',
  '<form action="https://evil.test"><button>Allow',
  '<page-gap></page-gap>',
  '<!-- -->',
  ']]><script>alert(1)</script>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '{{constructor.constructor("alert(1)")()}}',
  '\u202e<script>alert(1)</script>',
  `\`\${alert(1)}\``,
  '\u0000<script>alert(1)</script>',
  '<scr<script>ipt>alert(1)</script>',
  '<ScRiPt/x>alert(1)</ScRiPt\t>',
  '<script src=//evil.test/x.js></script>',
  '<img src="x` `<script>alert(1)</script>"` `>',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
  '<math><mtext><mglyph><style><img src onerror=alert(1)>',
  '<object data="data:text/html,<script>alert(1)</script>">',
  '<embed src="javascript:alert(1)">',
  '<details open ontoggle=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<link rel=stylesheet href=//evil.test/x.css>',
  '<button formaction="https://evil.test">Allow</button>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<template><script>alert(1)</script></template>',
  '</main></body><body onload=alert(1)>',
  '<input type="hidden" name="csrf" value="stolen">',
  'javascript:alert(1)//',
  "'-alert(1)-'",
  '\u2028<script>alert(1)</script>\u2029',
]

/** Every element with the names of its attributes, so that anything that text has added shows. */
const skeletonOf = (html: string) =>
  [...html.matchAll(/<(?:"[^"]*"|[^">])*>/g)].map(([tag]) => tag.replace(/="[^"]*"/g, ''))

describe('the pages', () => {
  const ordinary = samplePages(frame)

  it('are tried with forty strings', () => {
    expect(new Set(NASTY).size).toBeGreaterThanOrEqual(40)
  })

  it.each(NASTY)('stay what they are when everything from outside is %j', (nasty) => {
    const pages = samplePages(frame, {
      clientName: nasty,
      redirectUri: ORDINARY.redirectUri,
      organisationName: nasty,
      administratorEmail: nasty,
    })
    const changed = Object.keys(pages).filter(
      (name) => skeletonOf(pages[name]!).join() !== skeletonOf(ordinary[name]!).join(),
    )
    expect(changed).toEqual([])
  })

  it.each(Object.keys(ordinary))('%s holds no script, no style and no address but our own', (name) => {
    const html = ordinary[name]!
    expect(html).not.toMatch(/<script(?![^>]* src="\/)|<style|\sstyle=|\son\w+=/)
    for (const [, address] of html.matchAll(/(?:href|src|action)="([^"]*)"/g)) expect(address).toMatch(/^[/#]/)
  })

  it.each(Object.keys(ordinary).filter((name) => name !== 'check-waiting'))('%s names its request, once', (name) => {
    expect(ordinary[name]!.split('req_1')).toHaveLength(2)
  })

  it('put a token into every form that posts', () => {
    for (const html of Object.values(ordinary))
      for (const [form] of html.matchAll(/<form method="post".*?<\/form>/gs))
        expect(form).toContain('<input type="hidden" name="csrf" value="token"/>')
  })

  it('ask only for what is on the page, and offer Deny beside Allow', () => {
    const decision = ordinary['decide-google']!
    expect(decision).toContain('>Allow Acme Scheduler<')
    expect(decision).toContain('>Deny Acme Scheduler<')
    for (const fact of [
      'app.acme.test',
      'Contoso Furniture',
      'contoso.example',
      'ada@contoso.example',
      'People and rooms',
    ])
      expect(decision).toContain(fact)
  })

  it('show both spellings of a host that has two', () => {
    const asker = askerOf({ name: 'Acme' }, 'https://xn--mnchen-3ya.example/x')
    const page = renderPage(
      Decision({
        frame,
        target: { consentPath: '/c', csrf: 't' },
        asker,
        provider: 'google',
        credentialSource: 'operator',
        organisation: { name: 'Contoso', domains: ['1', '2', '3', '4', '5', '6', '7'].map((n) => `d${n}.test`) },
        administratorEmail: 'a@d1.test',
        whose: '',
        may: [],
        mayNot: [],
      }),
    )
    expect(page).toContain('münchen.example')
    expect(page).toContain('xn--mnchen-3ya.example')
    expect(page).toContain('d5.test +2')
  })

  it('can be sent in two pieces, whatever the client calls itself', () => {
    const asker = askerOf({ name: '<page-gap></page-gap>' }, ORDINARY.redirectUri)
    const { before, after } = checkPage({ frame, target: { consentPath: '/c', csrf: 't' }, asker, provider: 'google' })
    expect(before).toMatch(/<main>/)
    expect(after).toMatch(/<\/html>$/)
  })
})

describe('what a client may do', () => {
  it('is said for exactly the permissions that its scopes hold', () => {
    expect(mayDo(['free_busy'])).toEqual(['See which calendars there are', 'See when somebody is busy or free'])
    expect(mayDo(['read_write'])).toHaveLength(7)
  })

  it('is set off against what it may not', () => {
    expect(mayNotDo(['free_busy'], ['room'])).toEqual([
      'Read what an event is about',
      'Create, change or delete events',
      'Reach the calendars of people',
      'Read mail, files or contacts',
      'Sign in as anybody, or change accounts, passwords or settings',
    ])
    expect(mayNotDo(['read_write'], ['person', 'room'])).toEqual([
      'Read mail, files or contacts',
      'Sign in as anybody, or change accounts, passwords or settings',
    ])
    expect(mayNotDo(['create_event'], ['person', 'room'])).toContain('Delete events')
  })
})
