{%- extends "nbgrader/manage_assignments.tpl" -%}
{%- block sidebar -%}
{{ super() }}
{% include "class_link.tpl" %}
{%- endblock -%}

{%- block messages -%}
<style>td.edit, th:nth-child(4) { display: none; }</style>
<p>Exercises are files of the course, and their due dates stand in its manifest; the campus generates and releases
them by itself whenever they change, and grades what is handed in. The buttons here do the same again by hand.
<b>Release</b> withdraws an exercise that is released: then nobody can fetch it or hand it in.</p>
{%- endblock -%}

{%- block table_footer -%}{%- endblock -%}
