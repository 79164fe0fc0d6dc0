{%- extends "nbgrader/gradebook_base.tpl" -%}
{%- block sidebar -%}
{{ super() }}
{% include "class_link.tpl" %}
{%- endblock -%}
