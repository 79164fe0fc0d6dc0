{%- extends "nbgrader/manage_students_base.tpl" -%}
{%- block sidebar -%}
{{ super() }}
{% include "class_link.tpl" %}
{%- endblock -%}
