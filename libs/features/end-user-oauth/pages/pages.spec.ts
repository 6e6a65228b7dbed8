import { ORDINARY, samplePages } from './sample-pages.js'
import { mayDo, mayNotDo } from './what-it-may-do.js'

const frame = {
  ...{ requestId: 'req_1', brokerHost: 'connect.mandate.test' },
  ...{ stylesheet: '/a.css', script: '/a.js', icon: '/a.svg' },
}

const NASTY = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  `' onmouseover='alert(1)`,
  '</title><script>alert(1)</script>',
  '<button formaction="https://evil.test">Continue with Google</button>',
  '<input type="hidden" name="csrf" value="stolen">',
  '\u202e</main><body onload=alert(1)>',
]

/** Every element with the names of its attributes, so that anything that text has added shows. */
const skeletonOf = (html: string) =>
  [...html.matchAll(/<(?:"[^"]*"|[^">])*>/g)].map(([tag]) => tag.replace(/="[^"]*"/g, ''))

describe('the pages of a person', () => {
  const ordinary = samplePages(frame)

  it.each(NASTY)('stay what they are when everything from outside is %j', (nasty) => {
    const pages = samplePages(frame, { ...ORDINARY, clientName: nasty, loginHint: nasty })
    const changed = Object.keys(pages).filter(
      (name) => skeletonOf(pages[name]!).join() !== skeletonOf(ordinary[name]!).join(),
    )
    expect(changed).toEqual([])
  })

  it.each(Object.keys(ordinary))(
    '%s has one heading, no inline script or style, and at most one button of weight',
    (name) => {
      const html = ordinary[name]!
      expect(html.match(/<h1/g)).toHaveLength(1)
      expect(html).not.toMatch(/<script(?![^>]* src="\/)|<style|\sstyle=|\son\w+=/)
      if (name.startsWith('stop-')) expect((html.match(/class="button"/g) ?? []).length).toBeLessThanOrEqual(1)
    },
  )

  it('say in plain words what a client may do, and what it may not', () => {
    expect(mayDo(['free_busy'])).toEqual(['See which calendars you have', 'See when you are busy or free'])
    expect(mayDo(['read_write'])).toHaveLength(7)
    expect(mayNotDo(['free_busy'])).toEqual([
      'Read what an event is about',
      'Create, change or delete events',
      'Read your mail, files or contacts',
      'See your password',
    ])
    expect(mayNotDo(['create_event'])).toContain('Delete events')
  })
})
