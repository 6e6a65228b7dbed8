import type { ComponentChildren } from 'preact'
import { type Frame, PageDocument } from '#platform/pages/document.js'
import { en as t } from './strings.en.js'

export const PersonDocument = (props: { frame: Frame; title: string; children: ComponentChildren }) => (
  <PageDocument frame={props.frame} title={props.title} about={t.about(props.frame.brokerHost)}>
    <h1>{props.title}</h1>
    {props.children}
  </PageDocument>
)
