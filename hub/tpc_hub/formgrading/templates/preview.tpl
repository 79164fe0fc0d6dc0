{%- extends "manage_submissions.tpl" -%}
{%- block title -%}{{ "As students get it" if kind == "release" else "As it was written" }}{%- endblock -%}
{%- block head -%}{%- endblock -%}
{%- block body -%}
<ol class="breadcrumb">
  <li><a href="{{ base_url }}/formgrader/manage_assignments">Assignments</a></li>
  <li class="active">{{ assignment_id }}</li>
</ol>
{% for body in bodies %}<div class="preview">{{ body | safe }}</div>
{% else %}<p>There is nothing here yet: generate the exercise first.</p>{% endfor %}
{%- endblock -%}
