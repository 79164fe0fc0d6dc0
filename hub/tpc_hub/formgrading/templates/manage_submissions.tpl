{%- extends "nbgrader/manage_submissions.tpl" -%}
{%- block sidebar -%}
{{ super() }}
{% include "class_link.tpl" %}
{%- endblock -%}

{%- block messages -%}
<p>The campus grades what is handed in by itself. <b>Autograde</b> does it again for one student; the points that a
person gave stay. The <a href="{{ class_page }}">class page</a> grades and releases for all.</p>
{%- endblock -%}
